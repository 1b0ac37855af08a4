/* SPDX-License-Identifier: BSD-3-Clause */
/* Each scenario runs once for every allocation it makes, and that one fails: the answer is CAT2_ENOMEM, or
 * the piece got along without; never a crash, and under ASan never a leak. */
#include <fcntl.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"
#include "bus/hub.h"
#include "cache/cachefile.h"
#include "ndim/print.h"
#include "select/select.h"
#include "state/state.h"
#include "torture.h"
#include "wire/msgpack.h"
#include "wire/pickle.h"
#include "wire/pieces.h"
#include "wire/pubsub.h"

#define N_MAX 5000

typedef bool scenario_fn(struct cat2_error *err);

static char folder[] = "/tmp/c2-torture-XXXXXX";
static int dirfd_of_test = -1;

/* Fail allocation 1, 2, ... until the scenario no longer reaches it. */
static void torture(scenario_fn *scenario, const char *name)
{
    struct cat2_error err = {0};
    int refused = 0;
    bool fired = true;

    if (!scenario(&err)) fail_msg("%s, nothing failing: %s", name, err.message);
    for (long nth = 1; fired; nth++) {
        if (nth > N_MAX) fail_msg("%s: no end after %d allocations", name, N_MAX);
        err = (struct cat2_error){0};
        torture_arm(nth);
        bool ok = scenario(&err);
        fired = torture_disarm();
        refused += !ok;
        if (!ok && !fired) fail_msg("%s, after the last: %s", name, err.message);
        if (!ok && err.code != CAT2_ENOMEM)
            fail_msg("%s, allocation %ld: %d %s", name, nth, err.code, err.message);
    }
    if (refused == 0) fail_msg("%s: no allocation was missed", name);
}

/* ---- wire ---- */

static bool json(struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *doc = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 16);
    struct c2_str text = C2_STR("{\"a\": [1, 2.5, \"x\\u00e9\", null], \"b\": {\"c\": true, \"d\": 1e300}}");

    return c2_json_parse(text, &doc, err) && c2_json_print(c2_json_root(doc), C2_JSON_COMPACT, &out, err) &&
           c2_json_print(c2_json_root(doc), C2_JSON_PYTHON, &out, err);
}

static bool msgpack(struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *doc = NULL;
    C2_AUTO(c2_buf) packed = C2_BUF_INIT(1 << 16);
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 16);
    struct c2_str text = C2_STR("{\"a\": [1, -70000, 2.5, \"text\", null], \"b\": {\"c\": true}}");
    struct c2_jw w;

    if (!c2_json_parse(text, &doc, err) || !c2_msgpack_from_json(c2_json_root(doc), &packed, err))
        return false;
    c2_jw_init(&w, &out, C2_JSON_COMPACT, err);
    return c2_msgpack_to_json(c2_buf_bytes(&packed), &w, err) && c2_jw_finish(&w);
}

static bool keep(void *ctx, const struct c2_piece *piece, struct cat2_error *err)
{
    return c2_buf_append(ctx, piece->data.p, piece->data.n, err);
}

static bool pieces(struct cat2_error *err)
{
    static const int32_t blocks[] = {1, 4, 9};
    C2_AUTO(c2_pieces_want) want = {0};
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 16);
    C2_AUTO(c2_buf) kept = C2_BUF_INIT(1 << 16);
    C2_AUTO(c2_pieces_reader) reader;
    struct c2_piece part = {.nchunk = 7,
                            .nblocks = 3,
                            .blocks = blocks,
                            .prefix = {(const uint8_t *)"pre", 3},
                            .data = {(const uint8_t *)"data", 4}};
    struct c2_piece whole = {.whole = true, .nchunk = 8, .data = {(const uint8_t *)"chunk", 5}};

    c2_pieces_reader_init(&reader, 1 << 12);
    return c2_pieces_parse(C2_STR("3,5-9,12:0-4;7;9-11,13:@4096-8191"), &want, err) &&
           c2_piece_encode(&part, &bytes, err) && c2_piece_encode(&whole, &bytes, err) &&
           c2_pieces_feed(&reader, c2_buf_bytes(&bytes), keep, &kept, err) && c2_pieces_end(&reader, err);
}

static bool pickle(struct cat2_error *err)
{
    static const int64_t shape[] = {3, 4};
    C2_AUTO(c2_pickle) array = {0};
    C2_AUTO(c2_pickle) bytes = {0};

    return c2_pickle_bytes(100, &bytes, err) &&
           c2_pickle_ndarray(C2_STR("[('a', '<i4'), ('b', '|S4')]"), shape, 2, 96, &array, err);
}

static bool pubsub(struct cat2_error *err)
{
    C2_AUTO(c2_buf) frame = C2_BUF_INIT(1 << 12);
    C2_AUTO(c2_ps_message) message = {0};

    return c2_ps_request(&frame, "publish", C2_STR("{\"data\":1}"), C2_STR("id"), err) &&
           c2_ps_parse(c2_buf_str(&frame), &message, err);
}

/* ---- ndim ---- */

static bool print(struct cat2_error *err)
{
    static const char *const descrs[] = {
        "<i4", "<f8", "<c16", "|S8", "<M8[ns]", "[('a', '<f4', (2,)), ('b', [('c', '<U2'), ('d', '|b1')])]"};
    static const uint8_t items[6 * 64];
    static const int64_t shape[] = {2, 3};

    for (size_t i = 0; i < C2_ARRAY_LEN(descrs); i++) {
        C2_AUTO(c2_dtype) dtype = {0};
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 14);
        if (!c2_dtype_parse(c2_str_of(descrs[i]), &dtype, err) || !c2_dtype_descr(&dtype, &out, err) ||
            !c2_dtype_name(&dtype, &out, err) || !c2_print_array(&dtype, shape, 2, items, &out, err) ||
            !c2_print_json_item(&dtype, items, &out, err))
            return false;
    }
    return true;
}

/* ---- data ---- */

static bool open_frame(const char *name, struct c2_frame **out, struct cat2_error *err)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/corpus/frame/%s", C2_TEST_DATA, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return c2_frame_open_fd(fd, name, out, err);
}

static const char *sample; /* which frame */

static bool frame(struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *opened = NULL;
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO(c2_meta) copy = {0};

    return open_frame(sample, &opened, err) && c2_frame_chunk(opened, 0, &chunk, err) &&
           c2_meta_copy(c2_frame_meta(opened), &copy, err);
}

static bool add_all(struct c2_frame *from, struct c2_frame_writer *w, struct cat2_error *err)
{
    for (int64_t i = 0; i < c2_frame_meta(from)->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        if (!c2_frame_chunk(from, i, &chunk, err) || !c2_frame_writer_add(w, c2_buf_bytes(&chunk), err))
            return false;
    }
    return true;
}

static bool write_frame(struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *from = NULL, *again = NULL;
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 24);

    return open_frame(sample, &from, err) && c2_frame_writer_new(-1, c2_frame_meta(from), &w, err) &&
           add_all(from, w, err) && c2_frame_writer_finish(w, &out, err) &&
           c2_frame_open_buf(&out, "again", &again, err);
}

static bool fill(struct c2_frame *from, struct c2_cachefile *cf, struct cat2_error *err)
{
    for (int64_t i = 0; i < c2_frame_meta(from)->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        if (!c2_frame_chunk(from, i, &chunk, err) || !c2_cachefile_put(cf, i, c2_buf_bytes(&chunk), err))
            return false;
    }
    return true;
}

static bool read_back(struct c2_cachefile *cf, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO(c2_buf) cframe = C2_BUF_INIT(1 << 24);
    struct c2_selectable ds = {c2_cachefile_meta(cf), c2_cachefile_chunks(cf)};
    struct c2_slice slice;
    struct c2_bound bound;

    if (!codec) return c2_fail_nomem(err, "codec");
    if (!c2_slice_parse(C2_STR("1:,..."), &slice, err) ||
        !c2_slice_bind(&slice, ds.meta->grid.shape, ds.meta->grid.ndim, &bound, err))
        return false;
    C2_AUTO(c2_buf) items = C2_BUF_INIT(1 << 24);
    return c2_buf_resize(&items, (size_t)(bound.nitems * ds.meta->grid.typesize), err) &&
           c2_select_items(codec, &ds, &bound, items.p, err) &&
           c2_select_cframe(codec, &ds, &bound, C2_KIND_ARRAY, -1, &cframe, err);
}

static bool cache_slots(struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *from = NULL;
    C2_AUTO_PTR(c2_cachefile) *cf = NULL, *again = NULL;

    return open_frame(sample, &from, err) &&
           c2_cachefile_create_slots(dirfd_of_test, "a", "e", c2_frame_meta(from), &cf, err) &&
           fill(from, cf, err) && read_back(cf, err) &&
           c2_cachefile_open(dirfd_of_test, "a", "e", &again, err);
}

static bool cache_mirror(struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *from = NULL;
    C2_AUTO_PTR(c2_cachefile) *cf = NULL;
    C2_AUTO(c2_buf) head = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_buf) tail = C2_BUF_INIT(1 << 20);
    struct c2_scrub scrub = {0};

    if (!open_frame(sample, &from, err)) return false;
    const struct c2_frame_layout *l = c2_frame_layout(from);
    return c2_buf_resize(&head, (size_t)l->header_len, err) && c2_frame_pread(from, head.p, head.n, 0, err) &&
           c2_buf_resize(&tail, (size_t)(l->frame_len - l->index_off), err) &&
           c2_frame_pread(from, tail.p, tail.n, l->index_off, err) &&
           c2_cachefile_create_mirror(dirfd_of_test, "a", "e", c2_buf_bytes(&head), c2_buf_bytes(&tail),
                                      l->frame_len, l->blocksize, &cf, err) &&
           fill(from, cf, err) && read_back(cf, err) && c2_cachefile_scrub(cf, &scrub, INT64_MAX / 2, err);
}

/* ---- state and bus ---- */

static bool see(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    return c2_buf_append_str(ctx, key, err) && c2_buf_append_str(ctx, value, err);
}

static bool state(struct cat2_error *err)
{
    static const struct c2_state_kind kind = {"torture", "nothing"};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 12);
    struct c2_state *s = NULL;

    if (!c2_state_open(folder, &kind, &s, err)) return false;
    bool ok = c2_state_begin(s, err);
    if (ok && !(ok = c2_state_put(s, "roots", C2_STR("k"), C2_STR("v"), err) && c2_state_commit(s, err)))
        c2_state_rollback(s);
    ok = ok && c2_state_get(s, "roots", C2_STR("k"), &out, err) &&
         c2_state_each(s, "roots", C2_STR(""), see, &out, err) &&
         c2_state_del_prefix(s, "roots", C2_STR(""), err);
    c2_state_close(s);
    return ok;
}

static void hear(void *ctx, const struct c2_event *event)
{
    *(int64_t *)ctx = event->seq;
}

static bool hub_work(struct c2_hub *hub, struct cat2_error *err)
{
    struct c2_root root = {"foo", "localhost:1"};
    int64_t heard = 0;
    struct c2_bus_listener listener = {hear, NULL, &heard};
    char token[33];

    if (!c2_hub_put_root(hub, &root, C2_STR("{}"), C2_STR(""), false, token, err)) return false;
    struct c2_hub_subscription *sub = c2_hub_subscribe(hub, "foo", NULL, NULL, &listener);
    if (!sub) return c2_fail_nomem(err, "subscription");
    bool ok = c2_hub_publish(hub, "foo", C2_STR("{\"path\":\"a\"}"), NULL, err);
    if (ok) assert_int_equal(heard, 1);
    c2_hub_unsubscribe(sub);
    return ok && c2_hub_delete_root(hub, "foo", c2_str_of(token), err);
}

static bool hub(struct cat2_error *err)
{
    struct c2_hub *made = NULL;

    if (!c2_hub_new(NULL, "epoch", &made, err)) return false;
    bool ok = hub_work(made, err);
    c2_hub_free(made);
    return ok;
}

/* ---- the tests ---- */

static void wire_survives_any_allocation_failing(void **ctx)
{
    (void)ctx;
    torture(json, "json");
    torture(msgpack, "msgpack");
    torture(pieces, "pieces");
    torture(pickle, "pickle");
    torture(pubsub, "pubsub");
}

static void ndim_survives_any_allocation_failing(void **ctx)
{
    (void)ctx;
    torture(print, "print");
}

static void data_survives_any_allocation_failing(void **ctx)
{
    static const char *const samples[] = {"v2-codec-lz4.b2nd", "v4-attrs.b2frame", "v2-nans.b2nd"};
    struct cat2_error err;

    (void)ctx;
    for (size_t i = 0; i < C2_ARRAY_LEN(samples); i++) {
        sample = samples[i];
        torture(frame, "frame");
        torture(write_frame, "frame writer");
        torture(cache_slots, "cache of slots");
        torture(cache_mirror, "cache as mirror");
        assert_true(c2_cachefile_remove(dirfd_of_test, "a", &err));
    }
}

static void state_survives_any_allocation_failing(void **ctx)
{
    (void)ctx;
    torture(state, "state");
}

static void the_hub_survives_any_allocation_failing(void **ctx)
{
    (void)ctx;
    torture(hub, "hub");
}

static int make_folder(void **ctx)
{
    struct cat2_error err;

    (void)ctx;
    if (!mkdtemp(folder)) return -1;
    dirfd_of_test = c2_fs_open_dir(folder, false, &err);
    return dirfd_of_test < 0;
}

static int drop_folder(void **ctx)
{
    (void)ctx;
    close(dirfd_of_test);
    c2_fs_remove_tree(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_survives_any_allocation_failing),
        cmocka_unit_test(ndim_survives_any_allocation_failing),
        cmocka_unit_test(data_survives_any_allocation_failing),
        cmocka_unit_test(state_survives_any_allocation_failing),
        cmocka_unit_test(the_hub_survives_any_allocation_failing),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
