/* SPDX-License-Identifier: BSD-3-Clause */
/* db.json of the Python broker: {"roots":{NAME:{"name":NAME,"http":HTTP}}}. Read once, never written. */
#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "broker/broker_impl.h"
#include "wire/json.h"

static bool import_roots(struct c2_broker *broker, struct c2_jval roots, struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(roots);
    C2_AUTO(c2_buf) kept = C2_BUF_INIT(1024);
    struct c2_str name, http;
    struct c2_jval value;
    char token[33];

    while (c2_jnext(&it, &name, &value)) {
        struct c2_root root = {0};
        struct cat2_error bad;
        if (!c2_jstr(c2_jget(value, "http"), &http) || http.n >= sizeof(root.http) ||
            !c2_root_name_check(name, &bad))
            continue; /* no subscriber could follow it */
        memcpy(root.name, name.p, name.n);
        memcpy(root.http, http.p, http.n);
        c2_buf_clear(&kept);
        c2_random_hex32(token);
        if (!c2_buf_printf(&kept, err, "%s %s", token, root.http) ||
            !c2_state_put(broker->state, "roots", name, c2_buf_str(&kept), err) ||
            !c2_hub_restore_root(broker->hub, &root, token, false, err))
            return false;
    }
    return true;
}

static bool import_file(struct c2_broker *broker, const char *path, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_fd) file = {open(path, O_RDONLY | O_CLOEXEC)};

    if (file.fd < 0) return true;
    if (!c2_fs_read(file.fd, C2_JSON_NBYTES_MAX, &text, err) ||
        !c2_json_parse(c2_buf_str(&text), &json, err) ||
        !import_roots(broker, c2_jget(c2_json_root(json), "roots"), err))
        return c2_fail_within(err, "%.120s", path);
    c2_log_info("roots of %s are taken over", path);
    return true;
}

bool c2_broker_import(struct c2_broker *broker, struct cat2_error *err)
{
    C2_AUTO(c2_buf) done = C2_BUF_INIT(8);
    char path[4300];

    if (c2_state_get(broker->state, "about", C2_STR("imported"), &done, err)) return true;
    if (err->code != CAT2_ENOTFOUND) return false;
    snprintf(path, sizeof(path), "%s/db.json", broker->config.statedir);
    return c2_state_begin(broker->state, err) &&
           ((import_file(broker, path, err) &&
             c2_state_put(broker->state, "about", C2_STR("imported"), C2_STR("1"), err) &&
             c2_state_commit(broker->state, err)) ||
            (c2_state_rollback(broker->state), false));
}
