/* SPDX-License-Identifier: BSD-3-Clause */
/* caterva2._native: libcaterva2 for Python, in the limited API of Python 3.9. Two types: Client, and the
 * Dataset that it opens. The GIL is released while a call waits. What is made of them is in python/caterva2.
 */
#ifndef C2_PYTHON_NATIVE_H
#define C2_PYTHON_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>
#include <time.h>

#include <caterva2/caterva2.h>

/* One connection. All fields but `cancelled` belong to whoever holds the GIL, or to the call that is busy. */
struct c2_py_client {
    PyObject_HEAD cat2_client *client;
    PyThreadState *waiting; /* of the busy call, while it has no GIL */
    bool busy;              /* libcaterva2 allows one call at a time */
    bool main_thread;       /* the busy call is the main thread's: it looks for signals */
    atomic_bool cancelled;  /* another thread wants the busy call to end */
    int64_t looked_ns;      /* when signals were looked for */
};

struct c2_py_dataset {
    PyObject_HEAD struct c2_py_client *owner; /* a reference */
    cat2_dataset *dataset;
};

/** The types, made once by c2_py_types(). */
extern PyObject *c2_py_client_type, *c2_py_dataset_type;
bool c2_py_add_client(PyObject *module);
bool c2_py_add_dataset(PyObject *module);

/** Give the GIL away for a call of libcaterva2; false and RuntimeError when another thread's call is under
 * way. */
bool c2_py_enter(struct c2_py_client *client);
/** Take it back. */
void c2_py_leave(struct c2_py_client *client);
/** Within a busy call: have the GIL for a moment. */
void c2_py_pause(struct c2_py_client *client);
void c2_py_resume(struct c2_py_client *client);
/** Nanoseconds of a clock that only goes forward. */
int64_t c2_py_now(void);

/** Raise what caterva2.errors makes of err; an exception that a callback raised stays. Always NULL. */
PyObject *c2_py_raise(const struct cat2_error *err);
/** A new Dataset; takes `dataset`. */
PyObject *c2_py_dataset_new(struct c2_py_client *owner, cat2_dataset *dataset);
/** Text that came from elsewhere. */
PyObject *c2_py_text(const char *text);
/** For heap types: free the object and let go of its type. */
void c2_py_free(PyObject *self);

#endif
