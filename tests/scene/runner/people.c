/* SPDX-License-Identifier: BSD-3-Clause */
/* People ask over HTTP, one thing at a time, with all the patience there is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "scene.h"

#define PATIENCE_MS (3600 * 1000)

struct person *person_find(struct scene *s, const char *name, bool make)
{
    struct cat2_error err;

    for (struct person *person = s->people; person; person = person->next)
        if (strcmp(person->name, name) == 0) return person;
    struct person *person = make ? calloc(1, sizeof(*person)) : NULL;
    if (!person) return NULL;
    snprintf(person->name, sizeof(person->name), "%s", name);
    c2_fake_enter(c2_fake_host(name));
    C2_ASSERT(c2_loop_new(&person->loop, &err) && c2_http_new(person->loop, 0, 0, &person->http, &err));
    c2_buf_init(&person->body, 1 << 28);
    c2_buf_init(&person->headers, 1 << 20);
    person->next = s->people;
    s->people = person;
    return person;
}

static void on_done(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct person *person = ctx;
    struct cat2_error none;

    person->flight = NULL;
    person->answered_at = c2_fake_now();
    if (err) {
        person->broken = true;
        snprintf(person->why, sizeof(person->why), "%s", err->message);
        return;
    }
    person->status = reply->status;
    C2_ASSERT(c2_buf_append(&person->headers, reply->headers.p, reply->headers.n, &none) &&
              c2_buf_append(&person->body, reply->body->p, reply->body->n, &none));
}

void person_ask(struct scene *s, struct person *person, const char *method, const char *address,
                const char *target)
{
    char url[700];

    (void)s;
    c2_http_cancel(person->flight);
    c2_buf_clear(&person->body);
    c2_buf_clear(&person->headers);
    person->asked = true;
    person->broken = false;
    person->status = 0;
    snprintf(person->target, sizeof(person->target), "%s", target);
    snprintf(url, sizeof(url), "http://%s%s", address, target);
    struct c2_http_call call = {.method = method,
                                .url = url,
                                .timeout_ms = PATIENCE_MS,
                                .stall_ms = PATIENCE_MS,
                                .body_max = 1 << 28,
                                .done = on_done,
                                .ctx = person};
    person->flight = c2_http_start(person->http, &call);
}

void person_free(struct person *person)
{
    c2_http_cancel(person->flight);
    c2_http_free(person->http);
    c2_loop_free(person->loop);
    c2_buf_fini(&person->body);
    c2_buf_fini(&person->headers);
    free(person);
}
