/* SPDX-License-Identifier: BSD-3-Clause */
/* A root's life goes the ways that are drawn in root.c, and no other: those end the process. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "subscriber/mirror/root.h"

/* By life and event: the first letter of the life that follows; '-': that cannot happen. Unfollowed, First,
 * Not reached, Kept, Current, Away. */
static const char letters[] = "UFNKCA";
static const char *const expected[] = {
    /* follow, restored, listed, failed, not yet, leave */
    [C2_ROOT_UNFOLLOWED] = "F----U", [C2_ROOT_FIRST] = "-KCNFU",   [C2_ROOT_UNREACHED] = "--CNFU",
    [C2_ROOT_KEPT] = "-KCAKU",       [C2_ROOT_CURRENT] = "--CAKU", [C2_ROOT_AWAY] = "--CAKU",
};

static struct c2_root_state root_in(int life, char next)
{
    return (struct c2_root_state){.life = (enum c2_root_life)life, .retries = next == 'N' || next == 'A'};
}

static bool ends_the_process(int life, int event)
{
    struct rlimit no_core = {0, 0};
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct c2_root_state root = root_in(life, '-');
        setrlimit(RLIMIT_CORE, &no_core);
        fclose(stderr);
        c2_root_event(&root, (enum c2_root_event)event);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_root_lives_as_it_is_drawn(void **state)
{
    for (int life = C2_ROOT_UNFOLLOWED; life <= C2_ROOT_AWAY; life++)
        for (int event = C2_ROOT_ON_FOLLOW; event <= C2_ROOT_ON_LEAVE; event++) {
            char next = expected[life][event];
            struct c2_root_state root = root_in(life, next);
            if (next == '-') {
                if (!ends_the_process(life, event)) fail_msg("life %d, event %d is possible", life, event);
                continue;
            }
            c2_root_event(&root, (enum c2_root_event)event);
            if (letters[root.life] != next) fail_msg("life %d, event %d: %d", life, event, root.life);
        }
}

static void lives_tell_what_follows_from_them(void **state)
{
    static const struct {
        bool followed, listed, unreached;
    } facts[] = {
        [C2_ROOT_UNFOLLOWED] = {false, false, false}, [C2_ROOT_FIRST] = {true, false, false},
        [C2_ROOT_UNREACHED] = {true, false, true},    [C2_ROOT_KEPT] = {true, true, false},
        [C2_ROOT_CURRENT] = {true, true, false},      [C2_ROOT_AWAY] = {true, true, true},
    };

    for (size_t life = 0; life < C2_ARRAY_LEN(facts); life++) {
        struct c2_root_state root = root_in((int)life, '-');
        assert_int_equal(c2_root_is_followed(&root), facts[life].followed);
        assert_int_equal(c2_root_is_listed(&root), facts[life].listed);
        assert_int_equal(c2_root_is_unreached(&root), facts[life].unreached);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_lives_as_it_is_drawn),
        cmocka_unit_test(lives_tell_what_follows_from_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
