/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2export ROOT_DIR NEW.h5: a directory of datasets as one HDF5 file. */
#include "bin/options_convert.h"

int main(int argc, char **argv)
{
    static const struct c2_convert_program program = {
        .name = "cat2export",
        .synopsis = "[OPTION...] ROOT_DIR NEW.h5",
        .about = "Export a directory of datasets as a new HDF5 file. Directories become groups, Blosc2 "
                 "arrays and\n"
                 "frames datasets with their compressed chunks as they are, other files datasets of bytes.",
        .section = "export",
        .takes = "dir file",
        .exports = true,
        .links = "links not followed",
        .convert = c2_export};

    return c2_convert_main(&program, argc, argv);
}
