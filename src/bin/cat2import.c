/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2import FILE.h5 NEW_DIR: the datasets of an HDF5 file as a directory of arrays. */
#include "bin/options_convert.h"

int main(int argc, char **argv)
{
    static const struct c2_convert_program program = {
        .name = "cat2import",
        .synopsis = "[OPTION...] FILE.h5 NEW_DIR",
        .about = "Import the datasets of an HDF5 file as a new directory of Blosc2 arrays. Groups become "
                 "directories;\n"
                 "chunks that are Blosc2 already are copied, others are compressed by all cores.",
        .section = "import",
        .takes = "file -",
        .links = "links kept",
        .convert = c2_import};

    return c2_convert_main(&program, argc, argv);
}
