/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets opened from metadata that are there already, and what their selections would be: no server is
 * asked. */
#include "base/base_testing.h"
#include "caterva2/caterva2.h"

static const char info[] =
    "{\"shape\":[10,20],\"chunks\":[5,5],\"blocks\":[2,3],\"dtype\":\"uint16\",\"schunk\":{\"cbytes\":832,"
    "\"chunkshape\":36,\"chunksize\":72,\"contiguous\":true,\"cparams\":{\"codec\":5,\"filters\":[0,0,0,0,0,"
    "1],"
    "\"filters_meta\":[0,0,0,0,0,0],\"typesize\":2,\"blocksize\":12,\"codec_meta\":0,\"clevel\":1,"
    "\"splitmode\":4,"
    "\"use_dict\":false,\"nthreads\":1},\"cratio\":0.7,\"nbytes\":576,\"urlpath\":\"x\",\"vlmeta\":{\"a\":1},"
    "\"nchunks\":8},"
    "\"mtime\":null,\"accept_ranges\":\"bytes\"}";

static cat2_dataset *reopen(cat2_client *client)
{
    struct cat2_error err = {0};
    cat2_dataset *dataset = NULL;

    if (!cat2_dataset_reopen(client, "foo/a.b2nd", info, "\"7:1\"", &dataset, &err))
        fail_msg("%s", err.message);
    return dataset;
}

static cat2_client *client_of(int64_t nbytes_max)
{
    struct cat2_client_options options = CAT2_CLIENT_OPTIONS_INIT;
    cat2_client *client = NULL;

    options.reply_nbytes_max = nbytes_max;
    assert_true(cat2_client_new("127.0.0.1:1", &options, &client, NULL));
    return client;
}

static void a_dataset_is_what_its_metadata_say(void **state)
{
    cat2_client *client = client_of(1 << 20);
    cat2_dataset *dataset = reopen(client);

    cat2_client_free(client); /* the dataset keeps it */
    assert_int_equal(cat2_dataset_ndim(dataset), 2);
    assert_int_equal(cat2_dataset_shape(dataset)[1], 20);
    assert_string_equal(cat2_dataset_dtype(dataset), "uint16");
    assert_string_equal(cat2_dataset_etag(dataset), "\"7:1\"");
    assert_string_equal(cat2_dataset_info(dataset), info);
    assert_string_equal(cat2_dataset_attributes(dataset), "{\"a\":1}");
    cat2_dataset_free(dataset);
}

static void what_is_no_metadata_is_refused(void **state)
{
    cat2_client *client = client_of(1 << 20);
    cat2_dataset *dataset = NULL;
    struct cat2_error err;

    assert_false(cat2_dataset_reopen(client, "foo/a.b2nd", "{}", "", &dataset, &err));
    assert_int_equal(err.code, CAT2_EDATA);
    assert_false(cat2_dataset_reopen(client, "foo/../a.b2nd", info, "", &dataset, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    assert_false(cat2_dataset_reopen(client, "foo/a.b2nd", "[", "", &dataset, NULL));
    assert_null(dataset);
    cat2_client_free(client);
}

static void selections_have_a_shape_and_a_size(void **state)
{
    cat2_client *client = client_of(100);
    cat2_dataset *dataset = reopen(client);
    struct cat2_error err;
    int64_t shape[CAT2_MAX_DIM], nbytes = 0;
    int ndim = 0;
    char items[100];

    assert_true(cat2_dataset_select(dataset, "3, ::-4", &ndim, shape, &nbytes, &err));
    assert_int_equal(ndim, 1);
    assert_int_equal(shape[0], 5);
    assert_int_equal(nbytes, 10);
    assert_false(cat2_dataset_select(dataset, "10", &ndim, shape, &nbytes, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    assert_false(cat2_dataset_select(dataset, "", &ndim, shape, &nbytes, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    assert_false(cat2_dataset_fetch_into(dataset, "3, ::-4", CAT2_WIRE_AUTO, items, 11, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    assert_true(
        cat2_dataset_fetch_into(dataset, "3:3", CAT2_WIRE_AUTO, items, 0, &err)); /* nothing to ask for */
    cat2_dataset_free(dataset);
    cat2_client_free(client);
}

static bool give_up(void *ctx)
{
    ++*(int *)ctx;
    return false;
}

static void who_does_not_want_to_wait_does_not(void **state)
{
    cat2_client *client = client_of(100);
    cat2_dataset *dataset = reopen(client);
    struct cat2_error err;
    char items[2];
    int asked = 0;

    cat2_client_on_wait(client, give_up, &asked);
    assert_false(cat2_dataset_fetch_into(dataset, "0, 0", CAT2_WIRE_AUTO, items, 2, &err));
    assert_true(asked > 0 ? err.code == CAT2_ECANCELLED : err.code == CAT2_EUPSTREAM);
    cat2_client_on_wait(client, NULL, NULL);
    assert_false(cat2_dataset_fetch_into(dataset, "0, 0", CAT2_WIRE_AUTO, items, 2, &err));
    assert_int_equal(err.code, CAT2_EUPSTREAM); /* nobody listens on port 1 */
    cat2_dataset_free(dataset);
    cat2_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dataset_is_what_its_metadata_say),
        cmocka_unit_test(what_is_no_metadata_is_refused),
        cmocka_unit_test(selections_have_a_shape_and_a_size),
        cmocka_unit_test(who_does_not_want_to_wait_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
