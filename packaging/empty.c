/* SPDX-License-Identifier: BSD-3-Clause */
/* The library is made of the client room's archive; CMake wants one source file to know the language. */
typedef int c2_not_empty;
