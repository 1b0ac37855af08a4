/* SPDX-License-Identifier: BSD-3-Clause */
/* The hub: numbering, replay, the bound of the log, tokens, which listener gets which event. */
#include "base/base_testing.h"
#include "bus/hub.h"

struct heard {
    int64_t seqs[C2_HUB_LOG_MAX + 8];
    int n, resyncs;
    char last[64];
    struct c2_hub_subscription *leave; /* unsubscribed by the first event */
};

static void on_event(void *ctx, const struct c2_event *event)
{
    struct heard *heard = ctx;

    heard->seqs[heard->n++] = event->seq;
    snprintf(heard->last, sizeof(heard->last), "%.*s", C2_STR_ARG(event->data));
    if (heard->leave) c2_hub_unsubscribe(heard->leave);
    heard->leave = NULL;
}

static void on_resync(void *ctx)
{
    ((struct heard *)ctx)->resyncs++;
}

static struct heard *new_heard(void)
{
    struct heard *heard = calloc(1, sizeof(*heard));

    assert_non_null(heard);
    return heard;
}

static struct c2_hub_subscription *listen_to(struct c2_hub *hub, const char *topic, int64_t seq,
                                             const char *epoch, const void *origin, struct heard *heard)
{
    struct c2_bus_listener listener = {on_event, on_resync, heard};
    struct c2_bus_position from = {"", seq};

    snprintf(from.epoch, sizeof(from.epoch), "%s", epoch);
    return c2_hub_subscribe(hub, topic, &from, origin, &listener);
}

static struct c2_hub *new_hub(void)
{
    struct cat2_error err;
    struct c2_hub *hub;

    assert_true(c2_hub_new(NULL, "e1", &hub, &err));
    return hub;
}

static void publish(struct c2_hub *hub, const char *topic, int from, int to, const void *origin)
{
    struct cat2_error err;
    char data[32];

    for (int i = from; i <= to; i++) {
        snprintf(data, sizeof(data), "{\"path\":\"%d\"}", i);
        assert_true(c2_hub_publish(hub, topic, c2_str_of(data), origin, &err));
    }
}

static void a_listener_hears_its_topic_numbered_from_one(void **state)
{
    struct c2_hub *hub = new_hub();
    struct heard *foo = new_heard(), *all = new_heard();

    listen_to(hub, "foo", 0, "", NULL, foo);
    listen_to(hub, NULL, 0, "", NULL, all);
    publish(hub, "foo", 1, 2, NULL);
    publish(hub, "bar", 1, 1, NULL);
    assert_int_equal(foo->n, 2);
    assert_int_equal(foo->seqs[0], 1);
    assert_string_equal(foo->last, "{\"path\":\"2\"}");
    assert_int_equal(foo->resyncs, 1);
    assert_int_equal(all->n, 3);
    assert_int_equal(all->seqs[2], 1);
    assert_int_equal(c2_hub_seq(hub, C2_STR("foo")), 2);
    c2_hub_free(hub);
    free(foo);
    free(all);
}

static void nobody_hears_what_it_published_itself(void **state)
{
    struct c2_hub *hub = new_hub();
    struct heard *heard = new_heard();
    int origin;

    listen_to(hub, "foo", 0, "", &origin, heard);
    publish(hub, "foo", 1, 1, &origin);
    assert_int_equal(heard->n, 0);
    publish(hub, "foo", 2, 2, NULL);
    assert_int_equal(heard->n, 1);
    c2_hub_free(hub);
    free(heard);
}

static void a_position_is_resumed_where_the_log_reaches(void **state)
{
    static const struct {
        const char *epoch;
        int64_t seq;
        int events, resyncs;
    } cases[] = {
        {"e1", 10, 0, 0},                  /* nothing missed */
        {"e1", C2_HUB_LOG_MAX + 7, 3, 0},  /* the end of the log */
        {"e1", 10, C2_HUB_LOG_MAX, 0},     /* all that is kept */
        {"e1", 9, 0, 1},                   /* one older */
        {"e1", C2_HUB_LOG_MAX + 11, 0, 1}, /* never given */
        {"e1", -1, 0, 1},
        {"e2", C2_HUB_LOG_MAX + 9, 0, 1}, /* another epoch */
        {"", 0, 0, 1},
    };
    struct c2_hub *hub = new_hub();

    publish(hub, "foo", 1, 10, NULL);
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct heard *heard = new_heard();
        struct c2_hub_subscription *subscription =
            listen_to(hub, "foo", cases[i].seq, cases[i].epoch, NULL, heard);
        assert_int_equal(heard->n, cases[i].events);
        assert_int_equal(heard->resyncs, cases[i].resyncs);
        for (int k = 0; k < heard->n; k++)
            assert_int_equal(heard->seqs[k], cases[i].seq + 1 + k);
        c2_hub_unsubscribe(subscription);
        if (i == 0) publish(hub, "foo", 11, C2_HUB_LOG_MAX + 10, NULL);
        free(heard);
    }
    c2_hub_free(hub);
}

static void a_position_that_cannot_be_is_answered_by_a_resync(void **state)
{
    static const int64_t seqs[] = {-1, -9, INT64_MIN, INT64_MAX};
    struct c2_hub *hub = new_hub();

    publish(hub, "foo", 1, 3, NULL);
    for (size_t i = 0; i < C2_ARRAY_LEN(seqs); i++)
        for (int known = 0; known < 2; known++) {
            struct heard *heard = new_heard();
            c2_hub_unsubscribe(listen_to(hub, known ? "foo" : "nobody", seqs[i], "e1", NULL, heard));
            assert_int_equal(heard->n, 0);
            assert_int_equal(heard->resyncs, 1);
            free(heard);
        }
    c2_hub_free(hub);
}

static void topics_are_limited(void **state)
{
    struct c2_hub *hub = new_hub();
    struct cat2_error err;
    char name[32];

    for (int i = 0; i < C2_HUB_TOPICS_MAX; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        publish(hub, name, 1, 1, NULL);
    }
    assert_false(c2_hub_publish(hub, "one more", C2_STR("{}"), NULL, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    publish(hub, "t0", 2, 2, NULL);
    c2_hub_free(hub);
}

#define EVENT_COST 128 /* that the hub counts beside an event's data */

static void note_forgotten(void *ctx, const char *topic, int64_t seq)
{
    int64_t *next = ctx;

    assert_string_equal(topic, "big");
    assert_int_equal(seq, *next); /* one after another, none left behind */
    ++*next;
}

static void what_leaves_the_log_for_its_size_is_forgotten_by_the_store(void **state)
{
    int64_t next = 1;
    struct c2_hub_store store = {.forget = note_forgotten, .ctx = &next};
    size_t n = C2_HUB_LOG_NBYTES_MAX / 4 - EVENT_COST;
    char *text = malloc(n);
    struct cat2_error err;
    struct c2_hub *hub;

    assert_non_null(text);
    memset(text, 'x', n);
    assert_true(c2_hub_new(&store, "e1", &hub, &err));
    for (int i = 0; i < 10; i++)
        assert_true(c2_hub_publish(hub, "big", (struct c2_str){text, n}, NULL, &err));
    assert_int_equal(next, 7); /* four of ten are kept */
    c2_hub_free(hub);
    free(text);
}

static void the_log_is_bound_in_bytes_too(void **state)
{
    struct c2_hub *hub = new_hub();
    struct heard *near = new_heard(), *far = new_heard();
    struct cat2_error err;
    size_t n = C2_HUB_LOG_NBYTES_MAX / 4 - EVENT_COST;
    char *data = calloc(n, 1);

    assert_non_null(data);
    for (int i = 0; i < 10; i++)
        assert_true(c2_hub_publish(hub, "foo", (struct c2_str){data, n}, NULL, &err));
    listen_to(hub, "foo", 6, "e1", NULL, near);
    assert_int_equal(near->n, 4);
    assert_int_equal(near->resyncs, 0);
    listen_to(hub, "foo", 5, "e1", NULL, far);
    assert_int_equal(far->n, 0);
    assert_int_equal(far->resyncs, 1);
    c2_hub_free(hub);
    free(data);
    free(near);
    free(far);
}

/* Twelve topics with 2 MB events, as a stranger may send them; small ones of another topic stay. */
static void the_log_is_bound_over_all_topics(void **state)
{
    struct c2_hub *hub = new_hub();
    struct heard *small = new_heard();
    struct cat2_error err;
    size_t n = 2000000;
    char *data = calloc(n, 1), name[20];

    assert_non_null(data);
    publish(hub, "small", 1, 50, NULL);
    for (int i = 0; i < 192; i++) {
        snprintf(name, sizeof(name), "t%d", i % 12);
        assert_true(c2_hub_publish(hub, name, (struct c2_str){data, n}, NULL, &err));
        assert_true(c2_hub_nbytes(hub) <= C2_HUB_NBYTES_MAX);
        assert_int_equal(c2_hub_seq(hub, c2_str_of(name)), i / 12 + 1); /* numbers go on */
    }
    assert_true(c2_hub_nbytes(hub) > C2_HUB_NBYTES_MAX - 2 * n);
    listen_to(hub, "small", 0, "e1", NULL, small);
    assert_int_equal(small->n, 50);
    for (int i = 0; i < C2_HUB_TOPICS_MAX - 13;
         i++) { /* one large event a topic: others lose even their last */
        snprintf(name, sizeof(name), "u%d", i);
        assert_true(c2_hub_publish(hub, name, (struct c2_str){data, n}, NULL, &err));
        assert_true(c2_hub_nbytes(hub) <= C2_HUB_NBYTES_MAX);
    }
    c2_hub_free(hub);
    free(data);
    free(small);
}

static void of_an_event_that_is_too_large_only_its_number_is_kept(void **state)
{
    struct c2_hub *hub = new_hub();
    struct cat2_error err;
    struct c2_event event;
    char *data = calloc(C2_HUB_EVENT_MAX + 1, 1);

    assert_non_null(data);
    assert_true(c2_hub_publish(hub, "foo", (struct c2_str){data, C2_HUB_EVENT_MAX}, NULL, &err));
    assert_true(c2_hub_publish(hub, "foo", (struct c2_str){data, C2_HUB_EVENT_MAX + 1}, NULL, &err));
    assert_true(c2_hub_event_after(hub, "foo", 0, &event));
    assert_int_equal(event.data.n, C2_HUB_EVENT_MAX);
    assert_true(c2_hub_event_after(hub, "foo", 1, &event));
    assert_true(c2_str_is(event.data, "{}"));
    assert_int_equal(event.seq, 2);
    assert_false(c2_hub_event_after(hub, "foo", 2, &event));
    c2_hub_free(hub);
    free(data);
}

static void roots_and_subscriptions_are_limited(void **state)
{
    struct c2_hub *hub = new_hub();
    struct c2_root root = {.http = "h:1"};
    struct heard *heard = new_heard();
    struct cat2_error err;
    char told[33];

    for (int i = 0; i <= C2_HUB_ROOTS_MAX; i++) {
        snprintf(root.name, sizeof(root.name), "r%d", i);
        bool ok = c2_hub_put_root(hub, &root, C2_STR("{}"), C2_STR(""), false, told, &err);
        assert_int_equal(ok, i < C2_HUB_ROOTS_MAX);
    }
    assert_int_equal(err.http_status, 503);
    struct c2_hub_subscription *first = listen_to(hub, "r0", 0, "", NULL, heard);
    for (int i = 1; i < C2_HUB_SUBSCRIPTIONS_MAX; i++)
        assert_non_null(listen_to(hub, "r1", 0, "", NULL, heard));
    assert_null(listen_to(hub, "r1", 0, "", NULL, heard));
    c2_hub_unsubscribe(first);
    assert_non_null(listen_to(hub, "r1", 0, "", NULL, heard));
    c2_hub_free(hub);
    free(heard);
}

static void a_stranger_who_names_a_known_root_is_no_news(void **state)
{
    struct c2_hub *hub = new_hub();
    struct c2_root root = {.name = "foo", .http = "h:1", .from = "192.0.2.1"};
    struct heard *heard = new_heard();
    struct cat2_error err;
    char told[33];

    listen_to(hub, "@new", 0, "", NULL, heard);
    for (int i = 0; i < 2; i++) /* it comes, and comes back */
        assert_true(c2_hub_put_root(hub, &root, C2_STR("{}"), C2_STR(""), false, told, &err));
    assert_int_equal(heard->n, 2);
    root.from[0] = '\0'; /* from elsewhere */
    assert_true(c2_hub_put_root(hub, &root, C2_STR("{}"), C2_STR(""), false, told, &err));
    assert_int_equal(heard->n, 2);
    assert_string_equal(told, "");
    assert_string_equal(c2_hub_root(hub, "foo")->from, "192.0.2.1");
    c2_hub_free(hub);
    free(heard);
}

static void a_listener_may_leave_while_it_is_told(void **state)
{
    struct c2_hub *hub = new_hub();
    struct heard *one = new_heard(), *two = new_heard();

    one->leave = listen_to(hub, "foo", 0, "", NULL, one);
    listen_to(hub, "foo", 0, "", NULL, two);
    publish(hub, "foo", 1, 2, NULL);
    assert_int_equal(one->n, 1);
    assert_int_equal(two->n, 2);
    c2_hub_free(hub);
    free(one);
    free(two);
}

/* Time as the tests want it. */
static int64_t the_time;
static int64_t time_of_test(void *ctx)
{
    (void)ctx;
    return the_time;
}
static const struct c2_clock test_clock = {.mono_ms = time_of_test, .wall_ms = time_of_test};

static bool register_root(struct c2_hub *hub, const char *http, const char *token, bool over, char told[33],
                          struct cat2_error *err)
{
    struct c2_root root = {.name = "foo"};

    snprintf(root.http, sizeof(root.http), "%s", http);
    return c2_hub_put_root(hub, &root, C2_STR("{}"), c2_str_of(token), over, told, err);
}

static void a_root_is_removed_by_its_token_only(void **state)
{
    struct c2_hub *hub = new_hub();
    struct heard *heard = new_heard();
    struct cat2_error err;
    char token[33], again[33];

    listen_to(hub, "@new", 0, "", NULL, heard);
    assert_true(register_root(hub, "h:1", "", false, token, &err));
    assert_int_equal(strlen(token), 32);
    assert_true(register_root(hub, "h:2", token, false, again, &err));
    assert_string_equal(token, again);
    assert_int_equal(heard->n, 2);
    assert_int_equal(c2_hub_nroots(hub), 1);
    assert_string_equal(c2_hub_root_at(hub, 0)->http, "h:2");
    assert_false(c2_hub_delete_root(hub, "foo", C2_STR(""), &err));
    assert_int_equal(err.http_status, 403);
    token[5] ^= 1;
    assert_false(c2_hub_delete_root(hub, "foo", c2_str_of(token), &err));
    token[5] ^= 1;
    assert_false(c2_hub_delete_root(hub, "bar", c2_str_of(token), &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    assert_true(c2_hub_delete_root(hub, "foo", c2_str_of(token), &err));
    assert_int_equal(c2_hub_nroots(hub), 0);
    c2_hub_free(hub);
    free(heard);
}

#define MINE   "00112233445566778899aabbccddeeff"
#define THEIRS "ffeeddccbbaa99887766554433221100"

static void a_name_belongs_to_who_registered_it(void **state)
{
    static const char *const others[] = {"", "no token", THEIRS, "00112233445566778899AABBCCDDEEFF"};
    struct c2_hub *hub = new_hub();
    struct heard *heard = new_heard();
    struct cat2_error err;
    char told[33];

    listen_to(hub, "@new", 0, "", NULL, heard);
    assert_true(register_root(hub, "h:1", MINE, false, told, &err));
    assert_string_equal(told, MINE);
    for (size_t i = 0; i < C2_ARRAY_LEN(others); i++) {
        assert_false(register_root(hub, "h:2", others[i], false, told, &err));
        assert_int_equal(err.http_status, 409);
        assert_string_equal(told, "");
        assert_non_null(strstr(err.message, "foo belongs to the publisher at h:1"));
        assert_int_equal(heard->n, i + 1);
        assert_true(register_root(hub, "h:1", others[i], false, told, &err)); /* it came back */
        assert_string_equal(told, "");
        assert_string_equal(c2_hub_root(hub, "foo")->http, "h:1");
        assert_int_equal(heard->n, i + 2);
    }
    assert_true(register_root(hub, "h:3", MINE, false, told, &err));
    assert_string_equal(c2_hub_root(hub, "foo")->http, "h:3");
    c2_hub_free(hub);
    free(heard);
}

static void a_name_that_is_taken_has_the_token_of_its_new_owner_only(void **state)
{
    struct c2_hub *hub = new_hub();
    struct cat2_error err;
    int64_t wait_ms;
    char told[33];

    assert_true(register_root(hub, "h:1", MINE, false, told, &err));
    assert_true(c2_hub_claim(hub, C2_STR("foo"), C2_STR(MINE), &told));
    assert_true(register_root(hub, "h:2", "", true, told, &err));
    assert_string_not_equal(told, MINE);
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_UNSURE); /* the claim was the other's */
    assert_false(c2_hub_claim(hub, C2_STR("foo"), C2_STR(MINE), &told));
    assert_false(register_root(hub, "h:1", MINE, false, told, &err));
    assert_false(c2_hub_delete_root(hub, "foo", C2_STR(MINE), &err));
    c2_hub_free(hub);
}

static void the_lease_begins_with_the_last_sign_of_life(void **state)
{
    struct c2_hub_store store = {.clock = &test_clock};
    struct cat2_error err;
    struct c2_hub *hub;
    int64_t wait_ms;
    char told[33];
    int one, two;

    assert_true(c2_hub_new(&store, "e1", &hub, &err));
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_NONE);
    assert_true(register_root(hub, "h:1", MINE, false, told, &err));
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_UNSURE); /* it never claimed it */
    assert_false(c2_hub_claim(hub, C2_STR("foo"), C2_STR(THEIRS), &one));
    assert_false(c2_hub_claim(hub, C2_STR("bar"), C2_STR(MINE), &one));
    assert_true(c2_hub_claim(hub, C2_STR("foo"), C2_STR(MINE), &one));
    assert_true(c2_hub_claim(hub, C2_STR("foo"), C2_STR(MINE), &one));
    assert_true(c2_hub_claim(hub, C2_STR("foo"), C2_STR(MINE), &two));
    the_time += 10 * C2_HUB_LEASE_LONG_MS;
    c2_hub_leave(hub, &one);
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_CONNECTED);
    c2_hub_leave(hub, &two);
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_AWAY);
    assert_int_equal(wait_ms, C2_HUB_LEASE_MS);
    the_time += C2_HUB_LEASE_MS - 1;
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_AWAY);
    assert_true(register_root(hub, "h:1", MINE, false, told, &err)); /* a sign of life, too */
    the_time += C2_HUB_LEASE_MS - 1;
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_AWAY);
    assert_int_equal(wait_ms, 1);
    the_time += 1;
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_UNSURE);
    the_time += C2_HUB_LEASE_LONG_MS - C2_HUB_LEASE_MS;
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_GONE);
    c2_hub_free(hub);
}

static void after_a_restart_of_the_broker_the_lease_begins_anew(void **state)
{
    struct c2_hub_store store = {.clock = &test_clock};
    struct c2_root ours = {"foo", "h:1"}, theirs = {"bar", "h:2"};
    struct cat2_error err;
    struct c2_hub *hub;
    int64_t wait_ms;

    assert_true(c2_hub_new(&store, "e1", &hub, &err));
    assert_true(c2_hub_restore_root(hub, &ours, MINE, true, &err));
    assert_true(c2_hub_restore_root(hub, &theirs, THEIRS, false, &err));
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_AWAY);
    assert_int_equal(c2_hub_owner_of(hub, "bar", &wait_ms), C2_OWNER_UNSURE);
    assert_int_equal(wait_ms, -1);
    the_time += C2_HUB_LEASE_LONG_MS;
    assert_int_equal(c2_hub_owner_of(hub, "foo", &wait_ms), C2_OWNER_GONE);
    assert_int_equal(c2_hub_owner_of(hub, "bar", &wait_ms), C2_OWNER_UNSURE);
    c2_hub_free(hub);
}

static void of_several_roots_the_others_stay(void **state)
{
    static const char *const orders[][3] = {{"a", "b", "c"}, {"b", "a", "c"}, {"c", "b", "a"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(orders); i++) {
        struct c2_hub *hub = new_hub();
        struct cat2_error err;
        char tokens[3][33];
        for (int k = 0; k < 3; k++) {
            struct c2_root root = {{(char)('a' + k)}, "h:1"};
            assert_true(c2_hub_put_root(hub, &root, C2_STR("{}"), C2_STR(""), false, tokens[k], &err));
        }
        for (size_t n = 3; n > 0; n--) {
            const char *gone = orders[i][3 - n];
            assert_true(c2_hub_delete_root(hub, gone, c2_str_of(tokens[*gone - 'a']), &err));
            assert_int_equal(c2_hub_nroots(hub), n - 1);
            for (size_t k = 3 - n + 1; k < 3; k++) {
                bool found = false;
                for (size_t m = 0; m < c2_hub_nroots(hub); m++)
                    found = found || strcmp(c2_hub_root_at(hub, m)->name, orders[i][k]) == 0;
                assert_true(found);
            }
        }
        c2_hub_free(hub);
    }
}

static bool refuse_to_save(void *ctx, const struct c2_root *root, const char *token, bool signs,
                           struct cat2_error *err)
{
    (void)ctx, (void)root, (void)token, (void)signs;
    return c2_fail(err, CAT2_EIO, "the disk is full");
}

static void a_root_that_cannot_be_saved_is_not_told(void **state)
{
    struct c2_hub_store store = {.save_root = refuse_to_save};
    struct c2_root root = {"foo", "h:1"};
    struct heard *heard = new_heard();
    struct cat2_error err = {0};
    char token[33];
    struct c2_hub *hub;

    assert_true(c2_hub_new(&store, "e1", &hub, &err));
    listen_to(hub, "@new", 0, "", NULL, heard);
    assert_false(c2_hub_put_root(hub, &root, C2_STR("{}"), C2_STR(""), false, token, &err));
    assert_string_equal(err.message, "the disk is full");
    assert_int_equal(heard->n, 0);
    assert_int_equal(c2_hub_nroots(hub), 0);
    c2_hub_free(hub);
    free(heard);
}

static void numbering_goes_on_after_a_restart(void **state)
{
    struct c2_hub *hub = new_hub();
    struct heard *heard = new_heard();
    struct cat2_error err;

    for (int64_t seq = 3; seq <= 5; seq++)
        assert_true(c2_hub_restore_event(hub, "foo", seq, C2_STR("{}"), &err));
    listen_to(hub, "foo", 3, "e1", NULL, heard);
    publish(hub, "foo", 6, 6, NULL);
    assert_int_equal(heard->resyncs, 0);
    assert_int_equal(heard->n, 3);
    assert_int_equal(heard->seqs[2], 6);
    c2_hub_free(hub);
    free(heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_hears_its_topic_numbered_from_one),
        cmocka_unit_test(nobody_hears_what_it_published_itself),
        cmocka_unit_test(a_position_is_resumed_where_the_log_reaches),
        cmocka_unit_test(a_position_that_cannot_be_is_answered_by_a_resync),
        cmocka_unit_test(topics_are_limited),
        cmocka_unit_test(the_log_is_bound_over_all_topics),
        cmocka_unit_test(of_an_event_that_is_too_large_only_its_number_is_kept),
        cmocka_unit_test(roots_and_subscriptions_are_limited),
        cmocka_unit_test(a_stranger_who_names_a_known_root_is_no_news),
        cmocka_unit_test(what_leaves_the_log_for_its_size_is_forgotten_by_the_store),
        cmocka_unit_test(the_log_is_bound_in_bytes_too),
        cmocka_unit_test(a_listener_may_leave_while_it_is_told),
        cmocka_unit_test(a_root_is_removed_by_its_token_only),
        cmocka_unit_test(a_name_belongs_to_who_registered_it),
        cmocka_unit_test(a_name_that_is_taken_has_the_token_of_its_new_owner_only),
        cmocka_unit_test(the_lease_begins_with_the_last_sign_of_life),
        cmocka_unit_test(after_a_restart_of_the_broker_the_lease_begins_anew),
        cmocka_unit_test(of_several_roots_the_others_stay),
        cmocka_unit_test(a_root_that_cannot_be_saved_is_not_told),
        cmocka_unit_test(numbering_goes_on_after_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
