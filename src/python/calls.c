/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that wait without the GIL, and the end of objects. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "python/native.h"

int64_t c2_py_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool c2_py_enter(struct c2_py_client *client)
{
    if (client->busy) {
        PyErr_SetString(PyExc_RuntimeError, "this client is in use: one call at a time");
        return false;
    }
    client->busy = true;
    client->main_thread = syscall(SYS_gettid) == getpid();
    atomic_store(&client->cancelled, false);
    client->waiting = PyEval_SaveThread();
    return true;
}

void c2_py_leave(struct c2_py_client *client)
{
    PyEval_RestoreThread(client->waiting);
    client->waiting = NULL;
    client->busy = false;
}

void c2_py_pause(struct c2_py_client *client)
{
    PyEval_RestoreThread(client->waiting);
}

void c2_py_resume(struct c2_py_client *client)
{
    client->waiting = PyEval_SaveThread();
}

PyObject *c2_py_text(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

PyObject *c2_py_raise(const struct cat2_error *err)
{
    PyObject *module, *text = NULL, *error = NULL;

    if (PyErr_Occurred()) return NULL;
    module = PyImport_ImportModule("caterva2.errors");
    if (module) text = c2_py_text(err->message);
    if (text) error = PyObject_CallMethod(module, "make", "iiO", (int)err->code, err->http_status, text);
    if (error) PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(text);
    Py_XDECREF(module);
    return NULL;
}

void c2_py_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

    release(self);
    Py_DECREF(type);
}
