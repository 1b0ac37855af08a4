/* SPDX-License-Identifier: BSD-3-Clause */
/* The module, and what its types share: the GIL, errors, text. */
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

static bool add_constants(PyObject *module)
{
    static const struct {
        const char *name;
        int value;
    } constants[] = {
        {"WIRE_AUTO", CAT2_WIRE_AUTO}, {"WIRE_RAW", CAT2_WIRE_RAW}, {"WIRE_BLOSC2", CAT2_WIRE_BLOSC2},
        {"ARRAY", CAT2_ARRAY},         {"FRAME", CAT2_FRAME},       {"FILE", CAT2_FILE}};

    for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++)
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0) return false;
    return PyModule_AddStringConstant(module, "version", cat2_version()) == 0;
}

PyMODINIT_FUNC PyInit__native(void); /* style: the name that Python looks for */

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "caterva2._native",
                                        .m_doc = "libcaterva2 for Python.", .m_size = -1};

PyMODINIT_FUNC PyInit__native(void) /* style: the name that Python looks for */
{
    PyObject *module = PyModule_Create(&definition);

    if (module && add_constants(module) && c2_py_add_client(module) && c2_py_add_dataset(module))
        return module;
    Py_XDECREF(module);
    return NULL;
}
