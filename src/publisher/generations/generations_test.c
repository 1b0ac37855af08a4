/* SPDX-License-Identifier: BSD-3-Clause */
/* What is the same generation, what a new one is called, and what a restart knows of it. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"
#include "publisher/generations/generations.h"

static const struct c2_file_key KEY = {
    .dev = 1, .ino = 2, .size = 7, .mtime_ns = 1700000000000000000, .ctime_ns = 1700000000100000000};
static const struct c2_hash128 HASH = {1, 2}, OTHER = {3, 4};

static struct c2_generation ask(struct c2_gens *gens, const struct c2_file_key *key)
{
    struct c2_generation gen = {0};
    struct cat2_error err;

    assert_true(c2_gens_of_file(gens, "a", key, &gen, &err));
    return gen;
}

static struct c2_file_key changed(int64_t ns)
{
    struct c2_file_key key = KEY;

    key.ctime_ns += ns;
    return key;
}

static void the_first_etag_is_pythons_and_a_known_key_keeps_it(void **state)
{
    struct c2_gens *gens = c2_gens_new();
    struct c2_file_key moved = KEY;

    assert_string_equal(ask(gens, &KEY).etag, "1700000000.0:7");
    moved.dev = 99; /* mounted anew */
    assert_string_equal(ask(gens, &moved).validator, ask(gens, &KEY).validator);
    assert_false(ask(gens, &moved).undecided);
    c2_gens_unref(gens);
}

static void without_a_hash_another_key_is_another_generation(void **state)
{
    struct c2_gens *gens = c2_gens_new();
    struct c2_generation first = ask(gens, &KEY);
    struct c2_file_key later = changed(1);
    struct c2_generation next = ask(gens, &later);

    assert_false(next.undecided);
    assert_string_equal(next.etag, "1700000000.0000002:7"); /* the least that a double can be moved */
    assert_string_not_equal(next.validator, first.validator);
    assert_true(c2_gens_holds(gens, "a", &later, next.validator));
    assert_false(c2_gens_holds(gens, "a", &KEY, first.validator));
    c2_gens_unref(gens);
}

static void the_contents_decide_where_the_hash_is_known(void **state)
{
    struct c2_gens *gens = c2_gens_new();
    struct c2_generation first = ask(gens, &KEY);
    struct c2_file_key touched = changed(1), written = changed(2);
    char path[C2_PATH_MAX + 1];

    assert_true(c2_gens_next(gens, false, path));
    assert_string_equal(path, "a");
    c2_gens_hashed(gens, "a", &KEY, &HASH);
    assert_true(ask(gens, &touched).undecided);
    assert_string_equal(ask(gens, &touched).etag, first.etag);
    assert_true(c2_gens_next(gens, true, path));
    assert_false(c2_gens_next(gens, true, path));
    c2_gens_hashed(gens, "a", &touched, &HASH);
    assert_false(ask(gens, &touched).undecided);
    assert_string_equal(ask(gens, &touched).validator, first.validator);
    assert_true(ask(gens, &written).undecided);
    c2_gens_hashed(gens, "a", &written, &OTHER);
    assert_false(ask(gens, &written).undecided);
    assert_string_not_equal(ask(gens, &written).validator, first.validator);
    assert_string_not_equal(ask(gens, &written).etag, first.etag);
    c2_gens_unref(gens);
}

static void what_changes_while_it_is_hashed_is_a_new_generation(void **state)
{
    struct c2_gens *gens = c2_gens_new();
    struct c2_generation first = ask(gens, &KEY);
    struct c2_file_key written = changed(1);

    c2_gens_hashed(gens, "a", &KEY, &HASH);
    assert_true(ask(gens, &written).undecided);
    c2_gens_torn(gens, "a");
    assert_false(ask(gens, &written).undecided);
    assert_string_not_equal(ask(gens, &written).etag, first.etag);
    c2_gens_unref(gens);
}

static void a_late_event_is_doubt_that_the_contents_settle(void **state)
{
    struct c2_gens *gens = c2_gens_new();
    struct c2_generation first = ask(gens, &KEY);
    char path[C2_PATH_MAX + 1];

    c2_gens_hashed(gens, "a", &KEY, &HASH);
    c2_gens_doubt(gens, "a");
    assert_false(c2_gens_holds(gens, "a", &KEY, first.validator));
    assert_true(ask(gens, &KEY).undecided);
    assert_true(c2_gens_next(gens, true, path));
    c2_gens_hashed(gens, "a", &KEY, &HASH);
    assert_true(c2_gens_holds(gens, "a", &KEY, first.validator));
    c2_gens_doubt(gens, "a");
    assert_true(ask(gens, &KEY).undecided);
    assert_true(c2_gens_next(gens, true, path));
    c2_gens_hashed(gens, "a", &KEY, &OTHER);
    assert_string_not_equal(ask(gens, &KEY).validator, first.validator);
    assert_string_not_equal(ask(gens, &KEY).etag, first.etag);
    c2_gens_unref(gens);
}

/* What was read before that write says nothing of it. */
static void an_event_while_the_contents_are_hashed_has_them_hashed_again(void **state)
{
    struct c2_gens *gens = c2_gens_new();
    struct c2_generation first = ask(gens, &KEY);
    char path[C2_PATH_MAX + 1];

    c2_gens_hashed(gens, "a", &KEY, &HASH);
    c2_gens_doubt(gens, "a");
    assert_true(ask(gens, &KEY).undecided);
    assert_true(c2_gens_next(gens, true, path));
    c2_gens_doubt(gens, "a");
    c2_gens_hashed(gens, "a", &KEY, &HASH);
    assert_true(ask(gens, &KEY).undecided);
    assert_false(c2_gens_holds(gens, "a", &KEY, first.validator));
    assert_true(c2_gens_next(gens, true, path));
    c2_gens_hashed(gens, "a", &KEY, &OTHER);
    assert_string_not_equal(ask(gens, &KEY).validator, first.validator);
    c2_gens_unref(gens);
}

/* There is nothing to compare the first hash with. */
static void an_event_before_the_first_hash_is_a_new_generation(void **state)
{
    struct c2_gens *gens = c2_gens_new();
    struct c2_generation first = ask(gens, &KEY);
    char path[C2_PATH_MAX + 1];

    c2_gens_doubt(gens, "a");
    assert_true(c2_gens_next(gens, false, path));
    c2_gens_hashed(gens, "a", &KEY, &HASH);
    assert_false(ask(gens, &KEY).undecided);
    assert_string_not_equal(ask(gens, &KEY).validator, first.validator);
    assert_string_not_equal(ask(gens, &KEY).etag, first.etag);
    c2_gens_unref(gens);
}

static void parts_go_by_their_validators(void **state)
{
    struct c2_gens *gens = c2_gens_new();
    struct c2_generation gen = {0}, again = {0};
    struct cat2_error err;
    const int64_t t = 1700000000000000000;

    assert_true(c2_gens_of_part(gens, "f.h5/x", "h5-1", t, 40, &gen, &err));
    assert_string_equal(gen.etag, "1700000000.0:40");
    assert_true(c2_gens_of_part(gens, "f.h5/x", "h5-1", t + 5000000000, 40, &again, &err));
    assert_string_equal(again.etag, gen.etag); /* the file changed around it */
    assert_true(c2_gens_of_part(gens, "f.h5/x", "h5-2", t, 40, &again, &err));
    assert_string_equal(again.etag, "1700000000.0000002:40");
    assert_true(c2_gens_of_part(gens, "f.h5/x", "h5-1", t, 40, &again, &err));
    assert_string_equal(again.etag, gen.etag); /* the same bytes are back */
    c2_gens_unref(gens);
}

static struct c2_state *open_state(char *dir)
{
    static const struct c2_state_kind kind = {"test", "nothing"};
    struct c2_state *db = NULL;
    struct cat2_error err;

    assert_non_null(mkdtemp(dir));
    assert_true(c2_state_open(dir, &kind, &db, &err));
    return db;
}

static void close_state(const char *dir, struct c2_state *db)
{
    c2_state_close(db);
    c2_fs_remove_tree(dir);
}

static void what_was_not_saved_is_saved_later(void **state)
{
    char dir[] = "/tmp/c2-gens-XXXXXX";
    struct c2_gens *gens = c2_gens_new(), *after = c2_gens_new();
    struct c2_state *db = open_state(dir);
    struct rlimit full = {0, RLIM_INFINITY}, room = {RLIM_INFINITY, RLIM_INFINITY};
    struct cat2_error err;
    bool more;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    ask(gens, &KEY);
    c2_gens_hashed(gens, "a", &KEY, &HASH);
    setrlimit(RLIMIT_FSIZE, &full);
    bool ok = c2_gens_save(gens, db, 10, &more, &err);
    setrlimit(RLIMIT_FSIZE, &room);
    assert_false(ok);
    assert_true(c2_gens_save(gens, db, 10, &more, &err));
    assert_true(c2_gens_load(after, db, &err));
    assert_string_equal(ask(after, &KEY).validator, ask(gens, &KEY).validator);
    c2_gens_unref(gens);
    c2_gens_unref(after);
    close_state(dir, db);
}

struct hasher {
    struct c2_gens *gens;
    atomic_bool end;
};

static void *hash_on(void *ctx)
{
    struct hasher *h = ctx;

    while (!atomic_load(&h->end)) {
        c2_gens_hashed(h->gens, "a", &KEY, &HASH);
        sched_yield(); /* the others have the lock, too; a sleep would outlast the saving of a record */
    }
    return NULL;
}

#define MANY 3000

static void hash_another(struct c2_gens *gens, int i)
{
    struct c2_generation gen = {0};
    struct cat2_error err;
    char name[16];

    snprintf(name, sizeof(name), "%d", i);
    assert_true(c2_gens_of_file(gens, name, &KEY, &gen, &err));
    c2_gens_hashed(gens, name, &KEY, &HASH);
}

static void what_changes_while_it_is_saved_is_saved_once_more(void **state)
{
    struct hasher hasher = {.gens = c2_gens_new()};
    char dir[] = "/tmp/c2-gens-XXXXXX";
    struct c2_state *db = open_state(dir);
    struct cat2_error err;
    pthread_t thread;
    bool more = false;

    ask(hasher.gens, &KEY);
    assert_int_equal(pthread_create(&thread, NULL, hash_on, &hasher), 0);
    while (!more) { /* until it has changed again within one transaction, which others make long */
        for (int i = 0; i < MANY; i++)
            hash_another(hasher.gens, i);
        assert_true(c2_gens_save(hasher.gens, db, MANY + 1, &more, &err));
    }
    atomic_store(&hasher.end, true);
    pthread_join(thread, NULL);
    assert_true(c2_gens_save(hasher.gens, db, MANY + 100, &more, &err));
    assert_false(more);
    c2_gens_unref(hasher.gens);
    close_state(dir, db);
}

static void a_restart_knows_what_was(void **state)
{
    char dir[] = "/tmp/c2-gens-XXXXXX";
    struct c2_gens *gens = c2_gens_new(), *after = c2_gens_new();
    struct c2_file_key touched = changed(5);
    struct c2_state *db = open_state(dir);
    struct cat2_error err;
    bool more;

    ask(gens, &KEY);
    ask(gens, &touched);
    c2_gens_hashed(gens, "a", &touched, &HASH);
    struct c2_generation was = ask(gens, &touched);
    assert_true(c2_gens_save(gens, db, 1, &more, &err));
    assert_false(more);
    assert_true(c2_gens_load(after, db, &err));
    assert_string_equal(ask(after, &touched).etag, was.etag);
    assert_string_equal(ask(after, &touched).validator, was.validator);
    struct c2_file_key written = changed(9);
    assert_true(ask(after, &written).undecided);
    c2_gens_hashed(after, "a", &written, &OTHER);
    assert_string_equal(ask(after, &written).etag, "1700000000.0000005:7"); /* both before were taken */
    c2_gens_unref(gens);
    c2_gens_unref(after);
    close_state(dir, db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_etag_is_pythons_and_a_known_key_keeps_it),
        cmocka_unit_test(without_a_hash_another_key_is_another_generation),
        cmocka_unit_test(the_contents_decide_where_the_hash_is_known),
        cmocka_unit_test(what_changes_while_it_is_hashed_is_a_new_generation),
        cmocka_unit_test(a_late_event_is_doubt_that_the_contents_settle),
        cmocka_unit_test(an_event_while_the_contents_are_hashed_has_them_hashed_again),
        cmocka_unit_test(an_event_before_the_first_hash_is_a_new_generation),
        cmocka_unit_test(parts_go_by_their_validators),
        cmocka_unit_test(what_was_not_saved_is_saved_later),
        cmocka_unit_test(what_changes_while_it_is_saved_is_saved_once_more),
        cmocka_unit_test(a_restart_knows_what_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
