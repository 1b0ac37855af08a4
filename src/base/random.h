/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and tokens that nobody guesses, and that no two programs choose alike. Any thread. */
#ifndef C2_BASE_RANDOM_H
#define C2_BASE_RANDOM_H

/** 32 random hex digits, of 128 bits of the kernel's generator, and a NUL. */
void c2_random_hex32(char out[33]);

#endif
