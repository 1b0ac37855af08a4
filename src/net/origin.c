/* SPDX-License-Identifier: BSD-3-Clause */
/* Refuses what a web page makes a browser send without its user's knowledge. Programs that are no browsers
 * send neither Origin nor Sec-Fetch-Site, and pages cannot leave them out. */
#include "net/origin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "net/forwarded.h"
#include "net/server_impl.h"
#include "wire/url.h"

#define NAMES_NBYTES_MAX 65536 /* of all allowed names together */
#define HTTP_PORT        80
#define HTTPS_PORT       443

/* ---- names ---- */

static bool add_name(struct c2_hosts *hosts, struct c2_str name, struct cat2_error *err)
{
    return c2_buf_append_str(&hosts->names, name, err) && c2_buf_putc(&hosts->names, '\n', err);
}

static bool is_name(struct c2_str name)
{
    return name.n > 0 && c2_str_is_made_of(name, "-_.");
}

static bool add_listed(struct c2_hosts *hosts, const char *list, struct cat2_error *err)
{
    for (const char *p = list + strspn(list, " \t\r\n,"); *p; p += strspn(p, " \t\r\n,")) {
        struct c2_str name = {p, strcspn(p, " \t\r\n,")};
        p += name.n;
        if (c2_str_is(name, "*"))
            hosts->any = true;
        else if (!is_name(name))
            return c2_fail(err, CAT2_EINVAL,
                           "--allowed-hosts: '%.*s' is neither the name of a host, without port, nor *",
                           (int)c2_min_i64(100, (int64_t)name.n), name.p);
        else if (!add_name(hosts, name, err))
            return c2_fail_within(err, "--allowed-hosts");
    }
    return true;
}

/* As the machine calls itself, with and without its domain. Name servers are not asked: that may take long.
 */
static bool add_machine(struct c2_hosts *hosts, struct cat2_error *err)
{
    char name[256] = "";
    struct c2_str first, domain;

    if (gethostname(name, sizeof(name) - 1) != 0 || !name[0]) return true;
    bool dotted = c2_str_cut(c2_str_of(name), '.', &first, &domain);
    return add_name(hosts, c2_str_of(name), err) && (!dotted || !first.n || add_name(hosts, first, err));
}

bool c2_hosts_init(struct c2_hosts *hosts, const char *allowed, const char *public_url,
                   struct cat2_error *err)
{
    struct c2_hosts made = {.names = C2_BUF_INIT(NAMES_NBYTES_MAX), .listed = allowed != NULL};

    snprintf(made.public_url, sizeof(made.public_url), "%s", public_url ? public_url : "");
    if (!add_machine(&made, err) || (allowed && !add_listed(&made, allowed, err))) {
        c2_hosts_fini(&made);
        return false;
    }
    *hosts = made;
    return true;
}

void c2_hosts_fini(struct c2_hosts *hosts)
{
    c2_buf_fini(&hosts->names);
}

/* ---- the parts of addresses ---- */

struct place {
    struct c2_str name; /* an IPv6 address without its brackets */
    bool v6;
    int64_t port; /* 0: not said */
};

/* "HOST[:PORT]" */
static bool split_place(struct c2_str text, struct place *out)
{
    struct c2_str port;
    struct place place = {0};

    if (!c2_cut_port(text, &place.name, &port, &place.v6)) return false;
    if (port.n && (!c2_is_digit(port.p[0]) || !c2_str_to_i64(port, &place.port))) return false;
    if (place.port > UINT16_MAX) return false;
    if (place.name.n > 1 && place.name.p[place.name.n - 1] == '.') place.name.n--; /* "name." is "name" */
    *out = place;
    return place.name.n > 0;
}

/* "[SCHEME://]HOST[:PORT][/PATH]", with the port that the scheme means. */
static bool split_url(struct c2_str text, struct place *out)
{
    struct c2_str rest = text, path;
    const char *scheme_end = text.n ? memmem(text.p, text.n, "://", 3) : NULL;

    if (scheme_end) rest = (struct c2_str){scheme_end + 3, text.n - (size_t)(scheme_end + 3 - text.p)};
    struct c2_str scheme = {text.p, scheme_end ? (size_t)(scheme_end - text.p) : 0};
    c2_str_cut(rest, '/', &rest, &path);
    if (!split_place(rest, out)) return false;
    if (out->port) return true;
    if (scheme_end && c2_str_eq_nocase(scheme, C2_STR("https")))
        out->port = HTTPS_PORT;
    else if (!scheme_end || c2_str_eq_nocase(scheme, C2_STR("http")))
        out->port = HTTP_PORT;
    return out->port != 0;
}

/* Is `page`, whose port is known, at `ours`? Where our port is not said, it is that of http or https. */
static bool same_place(const struct place *page, const struct place *ours)
{
    if (!c2_str_eq_nocase(page->name, ours->name)) return false;
    return ours->port ? page->port == ours->port : page->port == HTTP_PORT || page->port == HTTPS_PORT;
}

/* ---- judging ---- */

static bool is_address(const struct place *place)
{
    struct in6_addr address;
    char text[64];

    if (place->name.n >= sizeof(text)) return false;
    snprintf(text, sizeof(text), "%.*s", C2_STR_ARG(place->name));
    return inet_pton(place->v6 ? AF_INET6 : AF_INET, text, &address) == 1;
}

static bool is_localhost(struct c2_str name)
{
    struct c2_str domain = C2_STR(".localhost");

    if (c2_str_eq_nocase(name, C2_STR("localhost"))) return true;
    return name.n > domain.n &&
           c2_str_eq_nocase((struct c2_str){name.p + name.n - domain.n, domain.n}, domain);
}

static bool has_name(const struct c2_hosts *hosts, struct c2_str name)
{
    struct c2_str rest = c2_buf_str(&hosts->names), line;
    struct place known;

    while (c2_str_cut(rest, '\n', &line, &rest))
        if (split_place(line, &known) && c2_str_eq_nocase(known.name, name)) return true;
    return false;
}

/* A page reaches what listens at 127.0.0.1 when the name of its own host is made to mean 127.0.0.1 (DNS
 * rebinding). The browser then takes the service for the page's own site; only the name tells. A name without
 * a dot is none of the public DNS: proxies and containers call services so. */
static bool is_our_name(const struct c2_origin *at, struct c2_str host)
{
    const struct c2_hosts *hosts = at->hosts;
    struct place place, known;

    if (!hosts || hosts->any || !host.p || (!hosts->listed && !at->loopback)) return true;
    if (!split_place(host, &place)) return false;
    if (is_address(&place)) return true;
    if (place.v6) return false;
    return is_localhost(place.name) || c2_str_eq_nocase(place.name, c2_str_of(at->host)) ||
           (split_url(c2_str_of(hosts->public_url), &known) && c2_str_eq_nocase(place.name, known.name)) ||
           (!hosts->listed && !memchr(place.name.p, '.', place.name.n)) || has_name(hosts, place.name);
}

bool c2_origin_means_here(const struct c2_origin *at, int port, struct c2_str host)
{
    struct place place;
    uint8_t address[16];

    if (!host.p) return true;
    if (!split_place(host, &place)) return false;
    if (c2_address_parse(place.name, address)) {
        struct c2_peer peer;
        c2_peer_make(address, 0, &peer);
        return peer.is_loopback;
    }
    if (is_localhost(place.name)) return true;
    /* Whoever asks through a proxy names the proxy's port. */
    return (place.port ? place.port : HTTP_PORT) == port &&
           (c2_str_eq_nocase(place.name, c2_str_of(at->host)) ||
            (at->hosts && has_name(at->hosts, place.name) && !at->hosts->listed));
}

static bool is_of_another_site(const struct c2_origin *at, const struct c2_origin_asked *asked)
{
    struct place page, ours;

    if (asked->site.p)
        return !c2_str_eq_nocase(asked->site, C2_STR("same-origin")) &&
               !c2_str_eq_nocase(asked->site, C2_STR("none"));
    if (!asked->origin.p) return false;
    if (!split_url(asked->origin, &page) || !c2_str_has(asked->origin, "://")) return true;
    bool here = asked->host.p && split_place(asked->host, &ours) && same_place(&page, &ours);
    here = here || (asked->outer.n && split_place(asked->outer, &ours) && same_place(&page, &ours));
    return !here &&
           !(at->hosts && split_url(c2_str_of(at->hosts->public_url), &ours) && same_place(&page, &ours));
}

/* Types of bodies that a page may send to another site without asking it first. */
static bool is_form(struct c2_str type)
{
    static const char *const forms[] = {"application/x-www-form-urlencoded", "multipart/form-data",
                                        "text/plain"};
    struct c2_str name, parameters;

    c2_str_cut(type, ';', &name, &parameters);
    for (size_t i = 0; i < C2_ARRAY_LEN(forms); i++)
        if (c2_str_eq_nocase(c2_str_trim(name), c2_str_of(forms[i]))) return true;
    return false;
}

static int shown(struct c2_str text)
{
    return (int)c2_min_i64(100, (int64_t)text.n);
}

int c2_origin_judge(const struct c2_origin *at, const struct c2_origin_asked *asked,
                    char why[C2_ORIGIN_WHY_MAX])
{
    if (!is_our_name(at, asked->host)) {
        snprintf(why, C2_ORIGIN_WHY_MAX,
                 "this service is not known as '%.*s': the setting allowed-hosts (--allowed-hosts) lists the "
                 "names under which it may be asked for",
                 shown(asked->host), asked->host.p);
        return 421;
    }
    if (!asked->changes) return 0;
    if (is_of_another_site(at, asked)) {
        struct c2_str page = asked->origin.p ? asked->origin : C2_STR("not named");
        snprintf(why, C2_ORIGIN_WHY_MAX,
                 "a web page of another site (%.*s) may not change anything here; where pages of this "
                 "service are reached at another address, the setting public-url (--public-url) says so",
                 shown(page), page.p);
        return 403;
    }
    return 0;
}

int c2_origin_judge_body(const struct c2_origin_asked *asked, char why[C2_ORIGIN_WHY_MAX])
{
    if (!asked->changes || !asked->body || !(asked->site.p || asked->origin.p) || !asked->type.p ||
        !is_form(asked->type))
        return 0;
    snprintf(why, C2_ORIGIN_WHY_MAX, "a web page's body must be application/json here, not %.*s",
             shown(asked->type), asked->type.p);
    return 415;
}

static struct c2_origin_asked asked_by(struct c2_request *req)
{
    struct c2_origin_asked asked = {.changes = req->method != C2_GET && !req->options,
                                    .body = req->body.n || req->upload.dropped ||
                                            req->upload.state != C2_UPLOAD_FITS};
    struct c2_str upgrade;

    c2_request_header(req, "Host", &asked.host);
    if (c2_request_header(req, "Upgrade", &upgrade)) asked.changes = true;
    if (asked.changes) {
        c2_request_header(req, "Origin", &asked.origin);
        c2_request_header(req, "Sec-Fetch-Site", &asked.site);
        c2_request_header(req, "Content-Type", &asked.type);
        if (req->forwarded) asked.outer = req->forwarded->host;
    }
    return asked;
}

static bool refuse(struct c2_request *req, int status, const char *why)
{
    if (!status) return true;
    req->refused = true;
    c2_reply_detail(req, status, "%s", why);
    return false;
}

bool c2_origin_check(struct c2_request *req)
{
    struct c2_origin_asked asked = asked_by(req);
    char why[C2_ORIGIN_WHY_MAX];

    return refuse(req, c2_origin_judge(&req->server->origin, &asked, why), why);
}

bool c2_origin_check_body(struct c2_request *req)
{
    char why[C2_ORIGIN_WHY_MAX];

    if (req->method == C2_GET || req->table->routes[req->nroute].form) return true;
    struct c2_origin_asked asked = asked_by(req);
    return refuse(req, c2_origin_judge_body(&asked, why), why);
}
