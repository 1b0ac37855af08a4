/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the model share: model_find.c, then model_nexus.c, then model.c; and model_print.c. */
#ifndef C2_MEANING_MODEL_IMPL_H
#define C2_MEANING_MODEL_IMPL_H

#include "meaning/model.h"
#include "meaning/ome.h"

struct c2_mean_axis {
    bool has;
    struct c2_object object;
};
struct c2_mean {
    const struct c2_objects *objects;
    int looks;
    bool ask;
    char *asked;
    bool has_signal, has_errors, has_title, has_palette;
    struct c2_object signal, errors, palette;
    struct c2_object title; /* a text beside the signal */
    struct c2_object group; /* that says what to plot: of NeXus, or the last one that was looked at */
    struct c2_dims dims;    /* of the signal */
    struct c2_mean_axis axes[C2_DIM_MAX];
    struct {
        double step; /* between items of an axis, in these units; 0: not known */
        struct c2_str units;
    } pixels[C2_DIM_MAX];
    struct c2_ome ome; /* that units of pixels are from */
};

bool c2_mean_find(struct c2_mean *m, struct c2_str path, struct c2_object *out);
/** A name in a group, or a path from there, or from the root. */
bool c2_mean_find_in(struct c2_mean *m, struct c2_str group, struct c2_str name, struct c2_object *out);
/** This is plotted; axes that are not known yet come from its dimensions. */
void c2_mean_take_signal(struct c2_mean *m, const struct c2_object *o);
/** How far the items of the signal are apart. */
void c2_mean_take_pixels(struct c2_mean *m, const struct c2_object *o);
/** The scales of one level of a pyramid. Absent: none. */
struct c2_jval c2_mean_scale(struct c2_jval level);

/** Does the group say what is plotted, as NXdata do? */
bool c2_mean_nexus(struct c2_mean *m, const struct c2_object *group);
/** The same for one of its datasets: false, the group does not speak of it. */
bool c2_mean_nexus_of(struct c2_mean *m, const struct c2_object *group, const struct c2_object *dataset);

bool c2_mean_print(struct c2_mean *m, const struct c2_object *asked, struct c2_buf *out,
                   struct cat2_error *err);

#endif
