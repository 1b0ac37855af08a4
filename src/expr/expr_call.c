/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls and subscripts: arguments by place and by name. */
#include <math.h>
#include <stdio.h>

#include "expr/expr_impl.h"

/* What is between parentheses. */
struct call {
    const struct c2_expr_fn *fn;
    const char *place;
    int args[C2_EXPR_ARGS_MAX], nargs;
    int64_t list[C2_DIM_MAX]; /* axis, or shape, that is a list */
    int nlist;
    bool has_axis, has_shape, is_none, keepdims, endpoint;
    double ddof;
    struct c2_dtype dtype;
    bool has_dtype;
};

static bool expect(struct c2_expr_parser *p, const char *text)
{
    c2_cursor_blanks(&p->in);
    if (c2_cursor_eat(&p->in, text)) return true;
    char what[40];
    snprintf(what, sizeof(what), "expected '%s'", text);
    return c2_expr_fail_at(p, p->in.p, CAT2_EINVAL, what);
}

static bool eat(struct c2_expr_parser *p, const char *text)
{
    c2_cursor_blanks(&p->in);
    return c2_cursor_eat(&p->in, text);
}

static bool eat_word(struct c2_expr_parser *p, const char *word)
{
    struct c2_cursor at = p->in;
    struct c2_str name;

    if (!c2_expr_name(&at, &name) || !c2_str_is(name, word)) return false;
    p->in = at;
    return true;
}

static bool read_int(struct c2_expr_parser *p, int64_t *out)
{
    bool overflow = false;

    c2_cursor_blanks(&p->in);
    return (c2_cursor_i64(&p->in, out, &overflow) && !overflow) ||
           c2_expr_fail_at(p, p->in.p, CAT2_EINVAL, "expected an integer");
}

/* An integer, or several in ( ) or [ ]. */
static bool read_ints(struct c2_expr_parser *p, struct call *call)
{
    bool round = eat(p, "("), square = !round && eat(p, "[");

    call->nlist = 0;
    if (!round && !square) {
        call->nlist = 1;
        return read_int(p, &call->list[0]);
    }
    while (!eat(p, round ? ")" : "]")) {
        if (call->nlist == C2_DIM_MAX)
            return c2_expr_fail_at(p, p->in.p, CAT2_ELIMIT, "more axes than arrays have");
        if (!read_int(p, &call->list[call->nlist++])) return false;
        if (eat(p, ",")) continue;
        if (!expect(p, round ? ")" : "]")) return false;
        break;
    }
    return true;
}

static bool read_flag(struct c2_expr_parser *p, bool *out)
{
    *out = eat_word(p, "True");
    return *out || eat_word(p, "False") || c2_expr_fail_at(p, p->in.p, CAT2_EINVAL, "expected True or False");
}

static double value_of(const struct c2_expr_node *n)
{
    return n->kind == 'f' ? n->value.f : (double)n->value.i;
}

static bool read_value(struct c2_expr_parser *p, double *out)
{
    int node;

    c2_cursor_blanks(&p->in);
    const char *place = p->in.p;
    if (!c2_expr_read(p, &node)) return false;
    const struct c2_expr_node *n = c2_expr_at(p->expr, node);
    if (n->sort != C2_SORT_CONST) return c2_expr_fail_at(p, place, CAT2_EUNSUPPORTED, "expected a number");
    *out = value_of(n);
    return true;
}

/* "f4", 'int64', np.float64 */
static bool read_dtype(struct c2_expr_parser *p, struct call *call)
{
    struct c2_str name;

    c2_cursor_blanks(&p->in);
    const char *place = p->in.p;
    char quote = c2_cursor_peek(&p->in);
    if (quote == '"' || quote == '\'') {
        name.p = ++p->in.p;
        while (!c2_cursor_done(&p->in) && *p->in.p != quote)
            p->in.p++;
        name.n = (size_t)(p->in.p - name.p);
        if (c2_cursor_done(&p->in)) return c2_expr_fail_at(p, place, CAT2_EINVAL, "a text does not end");
        p->in.p++;
    } else {
        if (!c2_expr_name(&p->in, &name)) return c2_expr_fail_at(p, place, CAT2_EINVAL, "expected a dtype");
        if ((c2_str_is(name, "np") || c2_str_is(name, "blosc2")) && eat(p, ".") &&
            !c2_expr_name(&p->in, &name))
            return c2_expr_fail_at(p, place, CAT2_EINVAL, "expected a dtype");
    }
    c2_dtype_fini(&call->dtype);
    if (!c2_dtype_parse(name, &call->dtype, p->err)) return c2_expr_fail_here(p, place);
    bool number = c2_str_has(C2_STR("biu"), (char[]){call->dtype.kind, 0}) ||
                  (call->dtype.kind == 'f' && (call->dtype.itemsize == 4 || call->dtype.itemsize == 8));
    call->has_dtype = true;
    return number || c2_expr_fail_at(p, place, CAT2_EUNSUPPORTED, "a dtype that is not computed with");
}

static bool read_keyword(struct c2_expr_parser *p, struct call *call, struct c2_str name)
{
    const char *place = name.p;
    enum c2_expr_sort sort = call->fn->sort;
    bool joins = sort == C2_SORT_CONCAT || sort == C2_SORT_STACK;

    if (c2_str_is(name, "axis") && (sort == C2_SORT_REDUCE || joins)) {
        call->has_axis = true;
        call->is_none = eat_word(p, "None");
        return call->is_none || read_ints(p, call);
    }
    if (c2_str_is(name, "keepdims") && sort == C2_SORT_REDUCE) return read_flag(p, &call->keepdims);
    if (c2_str_is(name, "ddof") && sort == C2_SORT_REDUCE) return read_value(p, &call->ddof);
    if (c2_str_is(name, "shape") && sort == C2_SORT_RANGE) {
        call->has_shape = true;
        return read_ints(p, call);
    }
    if (c2_str_is(name, "endpoint") && sort == C2_SORT_RANGE) return read_flag(p, &call->endpoint);
    if (c2_str_is(name, "dtype") && sort == C2_SORT_RANGE) return read_dtype(p, call);
    if (c2_str_is(name, "num") && call->fn->op == C2_OP_LINSPACE && call->nargs == 2)
        return c2_expr_read(p, &call->args[call->nargs++]);
    return c2_expr_fail_at(p, place, CAT2_EUNSUPPORTED, "this argument is not known here");
}

/* The arrays of concat and stack. */
static bool read_list(struct c2_expr_parser *p, struct call *call)
{
    bool round = eat(p, "(");

    if (!round && !expect(p, "[")) return false;
    do {
        if (eat(p, round ? ")" : "]")) return true;
        if (call->nargs == C2_EXPR_ARGS_MAX)
            return c2_expr_fail_at(p, p->in.p, CAT2_ELIMIT, "too many arrays");
        if (!c2_expr_read(p, &call->args[call->nargs++])) return false;
    } while (eat(p, ","));
    return expect(p, round ? ")" : "]");
}

/* One by its place. */
static bool read_place(struct c2_expr_parser *p, struct call *call)
{
    enum c2_expr_sort sort = call->fn->sort;
    enum c2_expr_op op = call->fn->op;
    bool joins = sort == C2_SORT_CONCAT || sort == C2_SORT_STACK;
    bool shape = sort == C2_SORT_RANGE && op >= C2_OP_ZEROS && !call->has_shape;

    if (joins && call->nargs == 0) return read_list(p, call);
    if (shape) call->has_shape = true;
    if (shape) return read_ints(p, call);
    if (joins || (sort == C2_SORT_REDUCE && call->nargs == 1)) {
        call->has_axis = true;
        call->is_none = eat_word(p, "None");
        return call->is_none || read_ints(p, call);
    }
    if (call->nargs == 4) return c2_expr_fail_at(p, p->in.p, CAT2_EINVAL, "too many arguments");
    return c2_expr_read(p, &call->args[call->nargs++]);
}

static bool read_arguments(struct c2_expr_parser *p, struct call *call)
{
    while (!eat(p, ")")) {
        struct c2_cursor at = p->in;
        struct c2_str name;
        bool keyword = c2_expr_name(&at, &name);
        c2_cursor_blanks(&at);
        keyword = keyword && c2_cursor_eat(&at, "=") && c2_cursor_peek(&at) != '=';
        if (keyword) p->in = at;
        if (!(keyword ? read_keyword(p, call, name) : read_place(p, call))) return false;
        if (eat(p, ",")) continue;
        return expect(p, ")");
    }
    return true;
}

/* ---- what a call is ---- */

/* What count_nonzero counts. */
static bool is_not_zero(struct c2_expr_parser *p, int *node)
{
    int args[2] = {*node, 0};

    return c2_expr_number(p->expr, 'i', (union c2_cell){.i = 0}, &args[1], p->err) &&
           c2_expr_apply(p->expr, c2_expr_fn_at(C2_OP_NE), args, node, p->err);
}

static bool reduce(struct c2_expr_parser *p, const struct call *call, int *node)
{
    int arg_node = call->args[0], ndim = c2_expr_at(p->expr, arg_node)->ndim;
    uint32_t axes = 0;

    for (int i = 0; call->has_axis && !call->is_none && i < call->nlist; i++) {
        int64_t axis = call->list[i] < 0 ? call->list[i] + ndim : call->list[i];
        if (axis < 0 || axis >= ndim || axes >> axis & 1)
            return c2_expr_fail_at(p, call->place, CAT2_EINVAL, "an axis is out of bounds, or there twice");
        axes |= (uint32_t)1 << axis;
    }
    bool arg = call->fn->op == C2_OP_ARGMIN || call->fn->op == C2_OP_ARGMAX;
    if (arg && call->has_axis && !call->is_none && call->nlist > 1)
        return c2_expr_fail_at(p, call->place, CAT2_EINVAL, "one axis at most is searched");
    if (call->has_axis && !call->is_none && !call->nlist)
        return c2_expr_fail_at(p, call->place, CAT2_EUNSUPPORTED, "a reduction along no axis");
    if (strcmp(call->fn->name, "count_nonzero") == 0 && !is_not_zero(p, &arg_node))
        return c2_expr_fail_here(p, call->place);
    return c2_expr_reduce(p->expr, call->fn, arg_node, axes, call->keepdims, call->ddof, node, p->err) ||
           c2_expr_fail_here(p, call->place);
}

static bool numbers_of(struct c2_expr_parser *p, const struct call *call, double v[4], bool *real)
{
    for (int i = 0; i < call->nargs; i++) {
        const struct c2_expr_node *n = c2_expr_at(p->expr, call->args[i]);
        if (n->sort != C2_SORT_CONST)
            return c2_expr_fail_at(p, call->place, CAT2_EUNSUPPORTED, "expected numbers");
        v[i] = value_of(n);
        *real = *real || n->kind == 'f';
    }
    return true;
}

static bool linspace(struct c2_expr_node *n, const struct call *call, const double *v, int64_t in_shape)
{
    if (call->nargs < 2 || call->nargs > 3 || (call->nargs == 2 && !call->has_shape)) return false;
    double num = call->nargs == 3 ? v[2] : (double)in_shape;
    if (!(num >= 0 && num < 1e15) || num != floor(num)) return false;
    n->count = (int64_t)num;
    n->first = v[0];
    n->last = v[1];
    n->has_last = call->endpoint && n->count > 1;
    double steps = call->endpoint ? num - 1 : num;
    n->step = steps > 0 ? (v[1] - v[0]) / steps : 0;
    return true;
}

static bool arange(struct c2_expr_node *n, const struct call *call, const double *v)
{
    if (call->nargs < 1 || call->nargs > 3) return false;
    n->first = call->nargs > 1 ? v[0] : 0;
    n->step = call->nargs > 2 ? v[2] : 1;
    if (n->step == 0) return false;
    double num = ceil(((call->nargs > 1 ? v[1] : v[0]) - n->first) / n->step);
    if (!(num < 1e15)) return false;
    n->count = num > 0 ? (int64_t)num : 0;
    return true;
}

/* linspace, arange, zeros, ones, full: numbers along the items of a shape. */
static bool range(struct c2_expr_parser *p, const struct call *call, int *node)
{
    struct c2_expr_node n = {.fn = call->fn, .sort = C2_SORT_RANGE, .kind = 'f', .size = 8};
    enum c2_expr_op op = call->fn->op;
    double v[4] = {0};
    bool real = false, ok = true;

    n.ndim = call->has_shape ? call->nlist : 1;
    for (int i = 0; i < call->nlist; i++)
        n.shape[i] = call->list[i];
    if (!c2_expr_check_shape(n.shape, n.ndim, p->err)) return c2_expr_fail_here(p, call->place);
    int64_t nitems = call->has_shape ? c2_expr_nitems(&n) : 0;
    if (!numbers_of(p, call, v, &real)) return false;
    if (op == C2_OP_LINSPACE) {
        ok = linspace(&n, call, v, nitems);
    } else if (op == C2_OP_ARANGE) {
        ok = arange(&n, call, v);
        n.kind = real ? 'f' : 'i';
    } else {
        ok = call->has_shape && call->nargs == (op == C2_OP_FULL);
        n.first = op == C2_OP_ONES ? 1 : v[0];
        n.count = nitems;
        n.kind = op == C2_OP_FULL && !real ? 'i' : 'f';
    }
    if (!ok) return c2_expr_fail_at(p, call->place, CAT2_EINVAL, "these arguments make no array");
    if (!call->has_shape) n.shape[0] = n.count;
    if (call->has_shape && n.count != nitems)
        return c2_expr_fail_at(p, call->place, CAT2_EINVAL, "the shape has another number of items");
    if (call->has_dtype) n.kind = call->dtype.kind;
    if (call->has_dtype) n.size = (int)call->dtype.itemsize;
    return c2_expr_add(p->expr, &n, node, p->err) || c2_expr_fail_here(p, call->place);
}

static bool join(struct c2_expr_parser *p, const struct call *call, int *node)
{
    if (call->nargs == 0) return c2_expr_fail_at(p, call->place, CAT2_EINVAL, "no arrays to put together");
    if (call->is_none || (call->has_axis && call->nlist != 1))
        return c2_expr_fail_at(p, call->place, CAT2_EUNSUPPORTED, "arrays are put together along one axis");
    return c2_expr_join(p->expr, call->fn, call->args, call->nargs, call->has_axis ? call->list[0] : 0, node,
                        p->err) ||
           c2_expr_fail_here(p, call->place);
}

static bool finish(struct c2_expr_parser *p, const struct call *call, int *node)
{
    int wanted = call->fn->nargs;

    if (call->fn->sort == C2_SORT_RANGE) return range(p, call, node);
    if (call->fn->sort == C2_SORT_CONCAT || call->fn->sort == C2_SORT_STACK) return join(p, call, node);
    if (call->nargs != wanted)
        return c2_expr_fail_at(p, call->place, CAT2_EUNSUPPORTED,
                               call->nargs < wanted ? "arguments are missing"
                                                    : "an argument that is not known here");
    if (call->fn->sort == C2_SORT_REDUCE) return reduce(p, call, node);
    if (call->fn->sort == C2_SORT_PERMUTE)
        return c2_expr_transpose(p->expr, call->args[0], node, p->err) || c2_expr_fail_here(p, call->place);
    return c2_expr_apply(p->expr, call->fn, call->args, node, p->err) || c2_expr_fail_here(p, call->place);
}

/* ---- slices ---- */

static bool read_bound(struct c2_expr_parser *p, bool *has, int64_t *out)
{
    *has = !eat_word(p, "None");
    return !*has || read_int(p, out);
}

/* slice(1, 3, None) */
static bool read_slice_call(struct c2_expr_parser *p, struct c2_sel *sel)
{
    sel->kind = C2_SEL_RANGE;
    if (!expect(p, "(") || !read_bound(p, &sel->has_start, &sel->start) || !expect(p, ",") ||
        !read_bound(p, &sel->has_stop, &sel->stop))
        return false;
    if (eat(p, ",") && !read_bound(p, &sel->has_step, &sel->step)) return false;
    return expect(p, ")");
}

/* .slice((slice(1, 3, None), 2)), as blosc2 writes what stood in brackets. */
static bool read_slices(struct c2_expr_parser *p, struct c2_slice *slice)
{
    bool tuple = eat(p, "("), has_ellipsis = false;

    for (;;) {
        if (eat(p, ")")) return !tuple || expect(p, ")");
        if (slice->nsels == C2_DIM_MAX)
            return c2_expr_fail_at(p, p->in.p, CAT2_EINVAL, "too many parts of a slice");
        struct c2_sel *sel = &slice->sels[slice->nsels++];
        if (eat_word(p, "Ellipsis")) {
            if (has_ellipsis) return c2_expr_fail_at(p, p->in.p, CAT2_EINVAL, "Ellipsis is there twice");
            has_ellipsis = true;
            sel->kind = C2_SEL_ELLIPSIS;
        } else if (eat_word(p, "slice")) {
            if (!read_slice_call(p, sel)) return false;
        } else if (!read_int(p, &sel->start)) {
            return false;
        }
        if (eat(p, ",")) continue;
        return expect(p, ")") && (!tuple || expect(p, ")"));
    }
}

bool c2_expr_subscript(struct c2_expr_parser *p, int arg, int *node)
{
    const char *start = p->in.p;
    struct c2_slice slice = {0};
    struct c2_str text = {start, 0};

    c2_cursor_blanks(&p->in);
    char quote = c2_cursor_peek(&p->in);
    while (!c2_cursor_done(&p->in) && *p->in.p != ']')
        p->in.p++;
    text.n = (size_t)(p->in.p - start);
    if (!expect(p, "]")) return false;
    if (quote == '"' || quote == '\'') {
        text = c2_str_trim(text);
        bool closed = text.n > 2 && text.p[text.n - 1] == quote;
        text = (struct c2_str){text.p + 1, closed ? text.n - 2 : 0};
        return c2_expr_field(p->expr, arg, text, node, p->err) || c2_expr_fail_here(p, start);
    }
    return (c2_slice_parse(text, &slice, p->err) && c2_expr_slice(p->expr, arg, &slice, node, p->err)) ||
           c2_expr_fail_here(p, start);
}

bool c2_expr_call(struct c2_expr_parser *p, struct c2_str name, int self, int *node)
{
    struct call call = {.fn = c2_expr_fn_of(name), .place = name.p, .endpoint = true};
    struct c2_slice slice = {0};
    char what[120];

    if (!call.fn || (call.fn->sort == C2_SORT_SLICE && self < 0)) {
        snprintf(what, sizeof(what), "the function '%.*s' is not known here",
                 (int)c2_min_i64(60, (int64_t)name.n), name.p);
        return c2_expr_fail_at(p, name.p, CAT2_EUNSUPPORTED, what);
    }
    if (call.fn->sort == C2_SORT_SLICE)
        return read_slices(p, &slice) &&
               (c2_expr_slice(p->expr, self, &slice, node, p->err) || c2_expr_fail_here(p, name.p));
    if (self >= 0) call.args[call.nargs++] = self;
    bool ok = read_arguments(p, &call) && finish(p, &call, node);
    c2_dtype_fini(&call.dtype);
    return ok;
}
