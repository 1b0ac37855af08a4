/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is missed while a root is followed: whoever waits is told, the list is whole or there is none,
 * and the next attempt succeeds. Each allocation of this thread fails once; the publisher is on another. */
#include <pthread.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"
#include "base/log.h"
#include "bus/hub.h"
#include "bus/local.h"
#include "net/server.h"
#include "subscriber/mirror/described.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/open_files.h"
#include "subscriber/mirror/roots.h"
#include "torture.h"
#include "wire/proof.h"

#define N_MAX 5000
#define META                                                                                                 \
    "{\"shape\":[4],\"chunks\":[4],\"blocks\":[4],\"dtype\":\"int16\",\"schunk\":{\"cbytes\":40,"            \
    "\"chunkshape\":4,"                                                                                      \
    "\"chunksize\":8,\"contiguous\":true,\"cparams\":{\"codec\":5,\"filters\":[0,0,0,0,0,1],\"filters_"      \
    "meta\":"                                                                                                \
    "[0,0,0,0,0,0],\"typesize\":2,\"blocksize\":8},\"cratio\":1.0,\"nbytes\":8,\"urlpath\":\"a\","           \
    "\"vlmeta\":{},"                                                                                         \
    "\"nchunks\":1}}"
static const char *const lines[] = {
    "{\"path\":\"a.b2nd\",\"etag\":\"1:1\",\"validator\":\"v1\",\"metadata\":" META ",\"frame\":null}",
    "{\"path\":\"b.b2nd\",\"etag\":\"2:2\",\"validator\":\"v2\",\"metadata\":" META ",\"frame\":null}",
    "{\"path\":\"c.b2nd\",\"error\":\"it is broken\"}",
};
static const struct c2_state_kind kind = {.program = "follow_test", .costs = "nothing"};

static struct world {
    char folder[40];
    pthread_t thread;
    struct c2_loop *publisher;
    struct c2_server *server;
    struct c2_buf list;
    struct c2_loop *loop;
    struct c2_hub *hub;
    struct c2_subscriber *sub;
    struct c2_root_state *root;
    int ntold;
    struct cat2_error told;
} world;

/* ---- the publisher ---- */

static int64_t pull(void *ctx, uint8_t *to, size_t room)
{
    size_t *sent = ctx, n = world.list.n - *sent;

    if (n > room) n = room;
    memcpy(to, world.list.p + *sent, n);
    *sent += n;
    return (int64_t)n;
}

static void handle_list(struct c2_request *req, void *state)
{
    struct c2_body body = {pull, free, calloc(1, sizeof(size_t))};

    (void)state;
    c2_reply_body(req, 200, "application/x-ndjson", -1, &body);
}

static void handle_info(struct c2_request *req, void *state)
{
    (void)state;
    c2_reply_static(req, 200, "application/x-ndjson", c2_bytes_of(c2_str_of(lines[0])));
}

static void *publish(void *loop)
{
    c2_loop_run(loop);
    return NULL;
}

static void make_publisher(void)
{
    static const struct c2_route routes[] = {
        {C2_GET, "/api/list", handle_list, NULL, NULL},
        {C2_GET, "/api/info/{path*}", handle_info, NULL, NULL},
    };
    struct c2_server_options options = {.listen = {"127.0.0.1", 0, false}};
    struct cat2_error err;
    uint64_t hash, chain = 0;
    char text[17];

    c2_buf_init(&world.list, 1 << 16);
    for (size_t i = 0; i < C2_ARRAY_LEN(lines); i++) {
        size_t start = world.list.n;
        assert_true(c2_buf_puts(&world.list, lines[i], &err) &&
                    c2_proof_seal_json(&world.list, start, &hash, &err) &&
                    c2_buf_putc(&world.list, '\n', &err));
        chain = c2_proof_chain(chain, hash);
    }
    size_t start = world.list.n;
    c2_hash_text(chain, text);
    assert_true(
        c2_buf_printf(&world.list, &err, "{\"end\":%zu,\"chain\":\"%s\"}", C2_ARRAY_LEN(lines), text) &&
        c2_proof_seal_json(&world.list, start, NULL, &err) && c2_buf_putc(&world.list, '\n', &err));
    assert_true(c2_loop_new(&world.publisher, &err));
    assert_true(c2_server_new(world.publisher, &options, &world.server, &err));
    c2_server_routes(world.server, routes, C2_ARRAY_LEN(routes), NULL);
    assert_int_equal(pthread_create(&world.thread, NULL, publish, world.publisher), 0);
}

/* ---- the subscriber ---- */

static void rest_is_nothing(struct c2_subscriber *sub)
{
    (void)sub;
}

static int make_world(void **state)
{
    struct c2_subscriber *sub = world.sub = calloc(1, sizeof(*sub));
    struct c2_root root = {.name = "foo"};
    struct cat2_error err;

    (void)state;
    c2_log_set_level(C2_ERROR);
    make_publisher();
    snprintf(world.folder, sizeof(world.folder), "/tmp/c2-follow-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    assert_true(c2_loop_new(&world.loop, &err));
    sub->config.loop = world.loop;
    assert_true(c2_pool_new(world.loop, 1, NULL, NULL, &sub->config.pool, &err));
    assert_true(c2_http_new(world.loop, 4, 16, &sub->config.http, &err));
    assert_true(c2_hub_new(NULL, "epoch", &world.hub, &err));
    assert_true(c2_bus_local_new(world.loop, world.hub, &sub->config.bus, &err));
    assert_true(c2_state_open(world.folder, &kind, &sub->state, &err));
    sub->statefd = sub->cachefd = c2_fs_open_dir(world.folder, false, &err);
    sub->free_rest = rest_is_nothing;
    snprintf(root.http, sizeof(root.http), "127.0.0.1:%d", c2_server_port(world.server));
    world.root = c2_sub_root_add(sub, &root, &err);
    assert_non_null(world.root);
    return 0;
}

static void stop_publisher(void *ctx)
{
    c2_loop_stop(ctx);
}

static int free_world(void **state)
{
    struct c2_subscriber_config *config = &world.sub->config;

    (void)state;
    c2_sub_roots_free(world.sub);
    c2_described_forget(world.sub);
    c2_state_close(world.sub->state);
    close(world.sub->statefd);
    c2_pool_free(config->pool);
    c2_http_free(config->http);
    config->bus->ops->free(config->bus);
    c2_hub_free(world.hub);
    c2_loop_free(world.loop);
    free(world.sub);
    static struct c2_loop_call call;
    c2_loop_post(world.publisher, &call, stop_publisher, world.publisher);
    pthread_join(world.thread, NULL);
    c2_server_free(world.server);
    c2_loop_free(world.publisher);
    c2_buf_fini(&world.list);
    c2_fs_remove_tree(world.folder);
    c2_log_set_level(C2_INFO);
    return 0;
}

/* ---- the test ---- */

static void on_told(void *ctx, const struct cat2_error *err)
{
    (void)ctx;
    world.ntold++;
    world.told = err ? *err : (struct cat2_error){0};
    c2_loop_stop(world.loop);
}

typedef void ask_fn(void);
static void ask_for_the_list(void)
{
    c2_sub_when_listed(world.root, on_told, NULL);
}
static void ask_for_a_dataset(void)
{
    c2_sub_when_found(world.root, C2_STR("a.b2nd"), on_told, NULL);
}

static bool is_good(const char *path)
{
    struct c2_ds *ds = c2_sub_find(world.root, c2_str_of(path));

    return ds && !ds->error;
}

/* Follow with the nth allocation failing, and leave. Did it come to that? */
static bool follow(ask_fn *ask, long nth)
{
    struct cat2_error err;

    world.ntold = 0;
    torture_arm(nth);
    ask();
    while (!world.ntold) /* a stop before a run counts for that run */
        c2_loop_run(world.loop);
    bool fired = torture_disarm();
    if (world.ntold != 1) fail_msg("allocation %ld: told %d times", nth, world.ntold);
    bool ok = world.told.code == CAT2_OK;
    if (!ok && (!fired || world.told.http_status != 0 ||
                (world.told.code != CAT2_ENOMEM && world.told.code != CAT2_EUPSTREAM)))
        fail_msg("allocation %ld: %d %s", nth, world.told.code, world.told.message);
    bool all = c2_root_is_listed(world.root);
    if (all && (world.root->n != C2_ARRAY_LEN(lines) || !is_good("b.b2nd")))
        fail_msg("allocation %ld: %zu datasets", nth, world.root->n);
    if (ok && !is_good("a.b2nd")) fail_msg("allocation %ld: the dataset is not there", nth);
    if (!c2_sub_leave(world.root, &err)) fail_msg("allocation %ld: %s", nth, err.message);
    return fired;
}

static void sweep(ask_fn *ask)
{
    long nth = 1;

    assert_false(follow(ask, 0));
    while (follow(ask, nth)) {
        if (++nth > N_MAX) fail_msg("no end after %d allocations", N_MAX);
        assert_false(follow(ask, 0));
    }
    if (nth < 20) fail_msg("only %ld allocations were missed", nth - 1);
}

static void who_waits_for_a_list_is_told_when_memory_is_missed(void **state)
{
    (void)state;
    sweep(ask_for_the_list);
}

static void who_waits_for_a_dataset_is_told_when_memory_is_missed(void **state)
{
    (void)state;
    sweep(ask_for_a_dataset);
}

/* What a restart finds is all that was remembered, or the start fails. */
static bool restore(long nth)
{
    struct c2_subscriber sub = {.config = world.sub->config, .state = world.sub->state};
    struct cat2_error err = {0};

    sub.free_rest = rest_is_nothing;
    torture_arm(nth);
    bool ok = c2_sub_restore(&sub, &err), fired = torture_disarm();
    if (!ok && (!fired || err.code != CAT2_ENOMEM)) fail_msg("allocation %ld: %s", nth, err.message);
    if (ok) {
        assert_int_equal(sub.roots->life, C2_ROOT_KEPT);
        assert_int_equal(sub.roots->n, C2_ARRAY_LEN(lines));
        for (size_t i = 0; i < 2; i++)
            assert_null(sub.roots->datasets[i]->error);
    }
    c2_sub_roots_free(&sub);
    c2_described_forget(&sub);
    return fired;
}

static void a_start_that_misses_memory_forgets_no_dataset(void **state)
{
    struct cat2_error err;
    long nth = 1;

    (void)state;
    world.ntold = 0;
    ask_for_the_list();
    while (!world.ntold)
        c2_loop_run(world.loop);
    assert_false(restore(0));
    while (restore(nth))
        if (++nth > N_MAX) fail_msg("no end after %d allocations", N_MAX);
    if (nth < 20) fail_msg("only %ld allocations were missed", nth - 1);
    assert_true(c2_sub_leave(world.root, &err));
}

/* All files that may be open are; allocation nth fails of who gets in line. */
static void get_in_line(long nth)
{
    world.ntold = 0;
    torture_arm(nth);
    c2_sub_when_room(world.sub, on_told, NULL);
    assert_true(torture_disarm() == (nth > 0));
}

static void who_cannot_get_in_line_for_a_file_is_told(void **state)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO_PTR(c2_cachefile) *cf = NULL;
    struct c2_meta meta = {0};
    struct cat2_error err;

    (void)state;
    assert_true(c2_json_parse(C2_STR(META), &json, &err) &&
                c2_meta_from_json(c2_json_root(json), C2_KIND_ARRAY, &meta, &err) &&
                c2_cachefile_create_slots(-1, "a", "etag", &meta, &cf, &err));
    world.sub->config.caches_max = 1;
    get_in_line(1);
    assert_int_equal(world.ntold, 1);
    assert_int_equal(world.told.code, CAT2_ENOMEM);
    get_in_line(2); /* its timer is one of the loop's reserve */
    assert_int_equal(world.ntold, 0);
    world.sub->stopping = true;
    c2_sub_room_stop(world.sub);
    world.sub->stopping = false;
    assert_int_equal(world.ntold, 1);
    c2_meta_fini(&meta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_for_a_list_is_told_when_memory_is_missed),
        cmocka_unit_test(who_waits_for_a_dataset_is_told_when_memory_is_missed),
        cmocka_unit_test(a_start_that_misses_memory_forgets_no_dataset),
        cmocka_unit_test(who_cannot_get_in_line_for_a_file_is_told),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
