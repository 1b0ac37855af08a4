/* SPDX-License-Identifier: BSD-3-Clause */
/* The one error type of Caterva2: filled where the failure happened, handed to whoever can act on it. */
#ifndef CATERVA2_ERROR_H
#define CATERVA2_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/** What kind of failure. The code tells a program what to do next; the message tells a person. */
enum cat2_code {
    CAT2_OK = 0,
    CAT2_EINVAL,       /* the request is malformed: fix it and call again */
    CAT2_ENOTFOUND,    /* no such root, dataset, chunk or file */
    CAT2_ELIMIT,       /* larger than a limit of this program allows */
    CAT2_EUPSTREAM,    /* a peer gave no usable answer: may work later */
    CAT2_EDATA,        /* bytes that break their format, or fail their hash */
    CAT2_EIO,          /* the operating system refused */
    CAT2_ENOMEM,       /* out of memory, or of file descriptors: may work later */
    CAT2_ECHANGED,     /* the dataset is no longer of the generation asked for */
    CAT2_EUNSUPPORTED, /* legal, but needs a codec, filter or feature that is not here */
    CAT2_ECANCELLED    /* given up on request: shutting down, or the asker left */
};

struct cat2_error {
    enum cat2_code code;
    int http_status;   /* what the server answered, 0 if it never did */
    char message[240]; /* one English line, no newline, always terminated */
};

#ifdef __cplusplus
}
#endif
#endif
