/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and words are those of the Blosc2 library. */
#include "blosc/codec_names.h"

static const struct c2_codec_name CODECS[] = {
    {0, "blosclz", "BloscLZ", NULL},
    {1, "lz4", "LZ4", NULL},
    {2, "lz4hc", "LZ4HC", NULL},
    {4, "zlib", "Zlib", NULL},
    {5, "zstd", "Zstandard", NULL},
    {32, "ndlz", "NDLZ", NULL},
    {33, "zfp-acc", "ZFP", NULL},
    {34, "zfp-prec", "ZFP", NULL},
    {35, "zfp-rate", "ZFP", NULL},
    {36, "openhtj2k", "OpenHTJ2K", "blosc2-openhtj2k"},
    {37, "grok", "JPEG 2000 (grok)", "blosc2-grok"},
    {38, "openzl", "OpenZL", "blosc2-openzl"},
    {39, "j2k", "JPEG 2000", "blosc2-j2k"},
    {40, "htj2k", "High-throughput JPEG 2000", "blosc2-htj2k"},
};
static const struct {
    int id;
    const char *name;
} FILTERS[] = {
    {1, "shuffle"},    {2, "bitshuffle"}, {3, "delta"},      {4, "trunc_prec"},
    {32, "ndcell"},    {33, "ndmean"},    {34, "bytedelta"}, /* as it was at first */ {35, "bytedelta"},
    {36, "int_trunc"},
};

const struct c2_codec_name *c2_codec_of_id(int64_t id)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(CODECS); i++)
        if (CODECS[i].id == id) return &CODECS[i];
    return NULL;
}

const struct c2_codec_name *c2_codec_of_word(struct c2_str word)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(CODECS); i++)
        if (c2_str_eq_nocase(word, c2_str_of(CODECS[i].word))) return &CODECS[i];
    return NULL;
}

const char *c2_filter_name(int64_t id)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(FILTERS); i++)
        if (FILTERS[i].id == id) return FILTERS[i].name;
    return NULL;
}
