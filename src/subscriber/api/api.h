/* SPDX-License-Identifier: BSD-3-Clause */
/* The routes of the Caterva2 API, and the rows of its views. */
#ifndef C2_SUBSCRIBER_API_API_H
#define C2_SUBSCRIBER_API_API_H

#include "reduce/number.h"
#include "subscriber/answer/view.h"

/** The numbers that a request is about: field, part, fill. @errors CAT2_EINVAL. */
bool c2_view_num(const struct c2_view *view, struct c2_num *out, struct cat2_error *err);

void c2_api_add_routes(struct c2_subscriber *sub);
/** The routes of what is not written here. */
void c2_writing_add_routes(struct c2_subscriber *sub);

c2_handler c2_handle_attrs, c2_handle_meaning, c2_handle_download, c2_handle_fetch, c2_handle_fetch_post,
    c2_handle_files, c2_handle_colormaps, c2_handle_tree;

extern const struct c2_view_type c2_fetch_view, c2_file_view, c2_csv_view, c2_png_view, c2_tile_view,
    c2_line_view, c2_stats_view, c2_table_view, c2_table_file_view, c2_chunk_view, c2_chunks_view;

#define C2_LIST_STATE       "X-Caterva2-List" /* of lists that may be partial: whether this one is */
#define C2_TREE_PAGE_NBYTES 59000             /* of 60 000 promised: the page's head comes to it */
/* What is asked of names that were found so far. */
struct c2_names_wanted {
    struct c2_str dir;     /* a folder with a '/' at its end, "" all */
    bool tree;             /* a page of a tree, else a list; the rest is of that */
    bool deep;             /* no folders */
    struct c2_str query;   /* in lower case: names with this text in them; "" all */
    int64_t offset, limit; /* entries */
};
/** Answer with the names of a root that is being listed for the first time, said to be some of them. What is
 * in `wanted` is copied. */
void c2_reply_so_far(struct c2_request *req, const struct c2_root_state *root,
                     const struct c2_names_wanted *wanted);
/** "array", "frame" or "file". */
const char *c2_tree_kind(struct c2_str path);

/** For choose: the view of a tile or line with `over`; NULL without. */
/** What `over` asks for. @errors CAT2_EINVAL. */
enum c2_agg;
bool c2_view_over(const struct c2_view *view, enum c2_agg *out, struct cat2_error *err);
const struct c2_view_type *c2_projected_tile(struct c2_request *req);
const struct c2_view_type *c2_projected_line(struct c2_request *req);

#endif
