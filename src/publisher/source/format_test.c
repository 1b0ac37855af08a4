/* SPDX-License-Identifier: BSD-3-Clause */
/* A format of the test's own, in the table: `*.c2test` is a line with a name and a line with numbers. What it
 * leaves out, the sources do. It may be a file, a folder (whose file "data" is that), or at a URL. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"
#include "http/remote_file.h"
#include "publisher/source/container.h"

/* ---- the format ---- */

#define TEXT_MAX 200

static enum c2_claim probe(const struct c2_candidate *candidate, const char **why)
{
    if (!c2_str_ends(c2_str_of(candidate->name), ".c2test")) return C2_CLAIM_NONE;
    struct stat st;
    if (candidate->fd < 0 || candidate->is_dir || (fstat(candidate->fd, &st) == 0 && st.st_size > 0))
        return C2_CLAIM_NAME;
    *why = "is empty";
    return C2_CLAIM_PROMISED;
}

static bool read_url(const char *url, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_session session = {.agent = "test", .connect_timeout_ms = 60000, .answer_timeout_ms = 60000};
    const char *path = strchr(strstr(url, "://") + 3, '/');
    struct c2_range_file file = {.session = &session, .target = path, .nbytes = -1};

    snprintf(session.base, sizeof(session.base), "%.*s", (int)(path - url), url);
    bool ok = c2_session_init(&session, err) && c2_range_read(&file, 0, 1, out, err) &&
              c2_range_read(&file, 1, (size_t)file.nbytes - 1, out, err);
    c2_session_fini(&session);
    return ok;
}

static bool read_lines(struct c2_container *c, char name[TEXT_MAX], struct c2_buf *numbers,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(TEXT_MAX), full = C2_BUF_INIT(C2_PATH_MAX);
    struct c2_str first, second, one, rest;
    struct stat st;

    if (strstr(c->filename, "://")) {
        if (!read_url(c->filename, &text, err)) return false;
    } else {
        bool folder = stat(c->filename, &st) == 0 && S_ISDIR(st.st_mode);
        if (!c2_buf_printf(&full, err, "%s%s", c->filename, folder ? "/data" : "")) return false;
        int fd = open(c2_buf_cstr(&full), O_RDONLY | O_CLOEXEC);
        bool ok = fd >= 0 ? c2_fs_read(fd, TEXT_MAX, &text, err)
                          : c2_fail(err, CAT2_ENOTFOUND, "%.100s", c->filename);
        if (fd >= 0) close(fd);
        if (!ok) return false;
    }
    if (!c2_str_cut(c2_buf_str(&text), '\n', &first, &second))
        return c2_fail(err, CAT2_EDATA, "%.100s: has no second line", c2_container_title(c));
    snprintf(name, TEXT_MAX, "%.*s", C2_STR_ARG(first));
    for (rest = c2_str_trim(second); rest.n;) {
        int64_t number;
        c2_str_cut(rest, ' ', &one, &rest);
        if (!c2_str_to_i64(one, &number)) return c2_fail(err, CAT2_EDATA, "no number: %.*s", C2_STR_ARG(one));
        if (!c2_buf_append(numbers, &number, sizeof(number), err)) return false;
    }
    return true;
}

static bool list(struct c2_container *c, c2_container_sink *sink, void *ctx, struct cat2_error *err)
{
    C2_AUTO(c2_buf) numbers = C2_BUF_INIT(8 * TEXT_MAX);
    char name[TEXT_MAX];

    return read_lines(c, name, &numbers, err) && sink(ctx, name, NULL, err);
}

struct item {
    struct c2_item base;
    struct c2_meta meta;
    struct c2_buf chunk;
};

static bool item_chunk(struct c2_item *base, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_buf *chunk = &((struct item *)base)->chunk;

    assert_int_equal(nchunk, 0);
    return c2_buf_append(out, chunk->p, chunk->n, err);
}

static void item_free(struct c2_item *base)
{
    struct item *item = (struct item *)base;

    c2_meta_fini(&item->meta);
    c2_buf_fini(&item->chunk);
    free(item);
}

static const struct c2_item_ops ITEM_OPS = {.chunk = item_chunk, .free = item_free};

static bool open_item(struct c2_container *c, const char *path, struct c2_codec *codec, struct c2_item **out,
                      struct cat2_error *err)
{
    C2_AUTO(c2_buf) numbers = C2_BUF_INIT(8 * TEXT_MAX);
    struct item *item = calloc(1, sizeof(*item));
    char name[TEXT_MAX];

    assert_non_null(item);
    item->base = (struct c2_item){.ops = &ITEM_OPS, .refs = 1, .meta = &item->meta};
    c2_buf_init(&item->chunk, C2_CHUNK_CBYTES_MAX);
    bool ok = read_lines(c, name, &numbers, err) &&
              (strcmp(name, path) == 0 || c2_fail(err, CAT2_ENOTFOUND, "Not Found"));
    int64_t n = (int64_t)numbers.n / 8;
    int32_t edge = (int32_t)n;
    item->meta =
        (struct c2_meta){.kind = C2_KIND_ARRAY, .nbytes = 8 * n, .nchunks = 1, .chunksize = 8 * edge};
    item->meta.chunkshape = edge;
    item->meta.cparams = c2_cparams_fast(8, 8 * edge);
    ok = ok && c2_grid_init(&item->meta.grid, &n, &edge, &edge, 1, 8, true, err) &&
         c2_dtype_parse(C2_STR("<i8"), &item->meta.dtype, err) &&
         c2_codec_encode(codec, &item->meta.cparams, numbers.p, 8 * edge, &item->chunk, err);
    if (ok)
        *out = &item->base;
    else
        item_free(&item->base);
    return ok;
}

static bool key(struct c2_container *c, struct c2_file_key *out, struct cat2_error *err)
{
    char full[C2_PATH_MAX];
    struct stat st;

    *out = (struct c2_file_key){.size = 1}; /* what is elsewhere never changes here */
    if (strstr(c->filename, "://")) return true;
    if (stat(c->filename, &st) == 0 && S_ISDIR(st.st_mode)) {
        snprintf(full, sizeof(full), "%s/data", c->filename);
        if (stat(full, &st) != 0) return c2_fail(err, CAT2_ENOTFOUND, "%.100s is gone", full);
    } else if (stat(c->filename, &st) != 0)
        return c2_fail(err, CAT2_ENOTFOUND, "%.100s is gone", c->filename);
    c2_file_key_of(&st, out);
    return true;
}

static const struct c2_format c2test = {.name = "c2test",
                                        .nbytes = sizeof(struct c2_container),
                                        .has_folders = true,
                                        .probe = probe,
                                        .list = list,
                                        .open = open_item,
                                        .key = key};

/* ---- what a root of it shows ---- */

struct scene {
    char root[64], statedir[80];
    int dir;
    struct c2_gens *gens;
    struct c2_source *source;
    struct c2_codec *codec;
    struct cat2_error err;
    char list[2000]; /* "path path(why) " */
};

static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    snprintf(s->root, sizeof(s->root), "/tmp/c2-format-XXXXXX");
    assert_non_null(mkdtemp(s->root));
    snprintf(s->statedir, sizeof(s->statedir), "%s.state", s->root);
    s->dir = c2_fs_open_dir(s->root, false, &s->err);
    s->codec = c2_codec_new();
    s->gens = c2_gens_new();
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;
    c2_source_free(s->source);
    c2_gens_unref(s->gens);
    c2_codec_free(s->codec);
    close(s->dir);
    c2_fs_remove_tree(s->root);
    c2_fs_remove_tree(s->statedir);
    free(s);
    return 0;
}

static void publish(struct scene *s, const char *root)
{
    c2_source_free(s->source);
    s->source = NULL;
    if (!c2_source_new(root, s->statedir, false, NULL, s->gens, &s->source, &s->err)) s->source = NULL;
}

static void write_file(struct scene *s, const char *rel, const char *text)
{
    assert_true(c2_fs_replace(s->dir, rel, c2_bytes_of(c2_str_of(text)), &s->err));
}

static bool note(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct scene *s = ctx;
    size_t n = strlen(s->list);
    const char *why = gen->unusable ? gen->unusable : gen->remark;

    (void)err;
    snprintf(s->list + n, sizeof(s->list) - n, "%s%s%s%s ", path, why ? "(" : "", why ? why : "",
             why ? ")" : "");
    return true;
}

static const char *listed(struct scene *s)
{
    s->list[0] = '\0';
    if (!c2_source_walk(s->source, note, s, &s->err)) fail_msg("%s", s->err.message);
    return s->list;
}

/* The sum of the numbers of a dataset; -1: it cannot be opened or read. */
static int64_t sum_of(struct scene *s, struct c2_item *item)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    int64_t numbers[TEXT_MAX], sum = 0;

    if (!c2_item_chunk(item, 0, &chunk, &s->err)) return -1;
    assert_true(c2_codec_decode(s->codec, item->meta, c2_buf_bytes(&chunk), (uint8_t *)numbers, &s->err));
    for (int64_t i = 0; i < item->meta->nbytes / 8; i++)
        sum += numbers[i];
    return sum;
}

static int64_t sum_at(struct scene *s, const char *path)
{
    struct c2_item *item;

    if (!c2_source_open(s->source, path, s->codec, &item, &s->err)) return -1;
    int64_t sum = sum_of(s, item);
    c2_item_unref(item);
    return sum;
}

static void a_file_of_it_is_a_folder_of_a_directory(void **state)
{
    struct scene *s = *state;
    C2_AUTO(c2_buf) attrs = C2_BUF_INIT(100);
    struct c2_generation gen;

    write_file(s, "x.c2test", "numbers.b2nd\n1 2 3\n");
    write_file(s, "empty.c2test", "");
    write_file(s, "bad.c2test", "numbers.b2nd");
    write_file(s, "y.txt", "text\n");
    publish(s, s->root);
    assert_string_equal(listed(s),
                        "bad.c2test(has no second line) empty.c2test(is empty) x.c2test/numbers.b2nd "
                        "x.c2test y.txt ");
    assert_int_equal(sum_at(s, "x.c2test/numbers.b2nd"), 6);
    assert_int_equal(sum_at(s, "x.c2test/other.b2nd"), -1);
    assert_int_equal(s->err.code, CAT2_ENOTFOUND);
    assert_true(c2_source_stat(s->source, "x.c2test/numbers.b2nd", &gen, &s->err));
    assert_memory_equal(gen.validator, "c2test-", 7);
    assert_false(c2_source_stat(s->source, "x.c2test/other.b2nd", &gen, &s->err));
    assert_int_equal(s->err.code, CAT2_ENOTFOUND);
    assert_false(c2_source_is_slow(s->source, "x.c2test/numbers.b2nd"));
    assert_false(c2_source_attrs(s->source, "x.c2test", &attrs, &s->err));
    assert_int_equal(s->err.code, CAT2_ENOTFOUND);
}

static void what_was_opened_does_not_change_while_it_is_read(void **state)
{
    struct scene *s = *state;
    struct c2_generation before, after;
    struct c2_item *item;

    write_file(s, "x.c2test", "numbers.b2nd\n1 2 3\n");
    publish(s, s->root);
    assert_true(c2_source_stat(s->source, "x.c2test/numbers.b2nd", &before, &s->err));
    assert_true(c2_source_open(s->source, "x.c2test/numbers.b2nd", s->codec, &item, &s->err));
    assert_string_equal(item->gen.validator, before.validator);
    assert_int_equal(sum_of(s, item), 6);
    write_file(s, "x.c2test", "numbers.b2nd\n1 2 3 4\n");
    assert_int_equal(sum_of(s, item), -1);
    assert_int_equal(s->err.code, CAT2_ECHANGED);
    assert_false(c2_item_check(item, &s->err));
    assert_int_equal(s->err.code, CAT2_ECHANGED);
    c2_item_unref(item);
    assert_true(c2_source_stat(s->source, "x.c2test/numbers.b2nd", &after, &s->err));
    assert_string_not_equal(after.validator, before.validator);
    assert_int_equal(sum_at(s, "x.c2test/numbers.b2nd"), 10);
    assert_true(c2_fs_remove(s->dir, "x.c2test", &s->err));
    assert_string_equal(listed(s), "");
    assert_int_equal(sum_at(s, "x.c2test/numbers.b2nd"), -1);
}

static void nothing_is_read_while_it_is_undecided_whether_the_file_changed(void **state)
{
    struct scene *s = *state;
    struct c2_hash128 hash = {1, 2};
    struct c2_file_key now;
    struct c2_item *item;
    struct stat st;

    write_file(s, "x.c2test", "numbers.b2nd\n1 2 3\n");
    publish(s, s->root);
    assert_true(c2_source_open(s->source, "x.c2test/numbers.b2nd", s->codec, &item, &s->err));
    assert_int_equal(fstatat(s->dir, "x.c2test", &st, 0), 0);
    c2_file_key_of(&st, &now);
    c2_gens_hashed(s->gens, "x.c2test", &now, &hash);
    write_file(s, "x.c2test", "numbers.b2nd\n3 2 1\n"); /* its contents decide */
    assert_int_equal(sum_of(s, item), -1);
    assert_true(c2_is_busy(&s->err));
    assert_int_equal(sum_at(s, "x.c2test/numbers.b2nd"), -1);
    assert_true(c2_is_busy(&s->err));
    c2_item_unref(item);
}

static void a_folder_of_it_shows_its_datasets_and_not_its_files(void **state)
{
    struct scene *s = *state;

    assert_int_equal(mkdirat(s->dir, "d", 0777) | mkdirat(s->dir, "d/z.c2test", 0777) |
                         mkdirat(s->dir, "d/z.c2test/sub", 0777) | mkdirat(s->dir, "e.c2test", 0777),
                     0);
    write_file(s, "d/a.txt", "text");
    write_file(s, "d/z.c2test/data", "numbers.b2nd\n4 5\n");
    write_file(s, "d/z.c2test/more", "of its own");
    write_file(s, "d/z.c2test/sub/more", "of its own");
    write_file(s, "d/zz.txt", "text");
    write_file(s, "e.c2test/data", "one line");
    publish(s, s->root);
    assert_string_equal(listed(s), "d/a.txt d/z.c2test/numbers.b2nd d/zz.txt e.c2test(has no second line) ");
    assert_int_equal(sum_at(s, "d/z.c2test/numbers.b2nd"), 9);
}

static void it_may_be_the_root(void **state)
{
    struct scene *s = *state;
    char root[100];

    snprintf(root, sizeof(root), "%s/x.c2test", s->root);
    write_file(s, "x.c2test", "numbers.b2nd\n1 2 3\n");
    publish(s, root);
    assert_string_equal(listed(s), "numbers.b2nd ");
    assert_int_equal(sum_at(s, "numbers.b2nd"), 6);
    write_file(s, "x.c2test", "nothing");
    assert_string_equal(listed(s), "x.c2test(has no second line) ");
    write_file(s, "x.c2test", "");
    publish(s, root);
    assert_null(s->source);
    assert_non_null(strstr(s->err.message, "x.c2test is empty"));
}

static void *serve(void *ctx)
{
    int listener = *(int *)ctx;
    static const char TEXT[] = "far.b2nd\n7 8 9\n";
    char request[2000];

    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) return NULL; /* shut down */
        for (ssize_t got; (got = recv(fd, request, sizeof(request) - 1, 0)) > 0;) {
            int first = 0, last = 0;
            request[got] = '\0';
            sscanf(strstr(request, "bytes="), "bytes=%d-%d", &first, &last);
            int n = snprintf(request, sizeof(request),
                             "HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\n"
                             "Content-Range: bytes %d-%d/%zu\r\n\r\n%.*s",
                             last - first + 1, first, last, sizeof(TEXT) - 1, last - first + 1, TEXT + first);
            send(fd, request, (size_t)n, MSG_NOSIGNAL);
        }
        close(fd);
    }
}

static void it_may_be_elsewhere(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct scene *s = *state;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t n = sizeof(address);
    pthread_t thread;
    const char *why = NULL;
    char root[100];

    assert_int_equal(bind(listener, (struct sockaddr *)&address, n) | listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &n), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, &listener), 0);
    snprintf(root, sizeof(root), "http://127.0.0.1:%d/x.c2test", ntohs(address.sin_port));
    publish(s, root);
    assert_string_equal(listed(s), "far.b2nd ");
    assert_int_equal(sum_at(s, "far.b2nd"), 24);
    assert_false(c2_source_hears_all(s->source, &why)); /* so it is polled */
    assert_string_equal(why, "it is not on this machine");
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    publish(s, "ftp://127.0.0.1:1/x.unknown");
    assert_null(s->source);
    assert_int_equal(s->err.code, CAT2_EDATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_of_it_is_a_folder_of_a_directory, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_was_opened_does_not_change_while_it_is_read, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(nothing_is_read_while_it_is_undecided_whether_the_file_changed,
                                        open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_folder_of_it_shows_its_datasets_and_not_its_files, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(it_may_be_the_root, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(it_may_be_elsewhere, open_scene, close_scene),
    };

    c2_codec_setup();
    c2_files_are_quiet_after(0); /* what was written just now is read */
    for (size_t i = 0; i < C2_FORMATS_MAX; i++)
        if (!c2_formats[i]) {
            c2_formats[i] = &c2test;
            break;
        }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
