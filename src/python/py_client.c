/* SPDX-License-Identifier: BSD-3-Clause */
/* Client: one connection to a subscriber. */
#include <stdlib.h>

#include "python/native.h"

#define LOOK_EVERY_NS 20000000 /* taking the GIL more often than that would hold up the other threads */

PyObject *c2_py_client_type;

/* libcaterva2 asks, on the thread of the call and without the GIL, whether to wait any longer. */
static bool go_on(void *ctx)
{
    struct c2_py_client *self = ctx;
    int64_t now;
    bool ok;

    if (atomic_load(&self->cancelled)) return false;
    if (!self->main_thread) return true;
    now = c2_py_now();
    if (now - self->looked_ns < LOOK_EVERY_NS) return true;
    self->looked_ns = now;
    c2_py_pause(self);
    ok = PyErr_CheckSignals() == 0;
    c2_py_resume(self);
    return ok;
}

static PyObject *client_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    struct cat2_client_options options = CAT2_CLIENT_OPTIONS_INIT;
    long long connect_ms = options.connect_timeout_ms, answer_ms = options.answer_timeout_ms,
              nbytes_max = options.reply_nbytes_max;
    struct cat2_error err = {0};
    const char *host;
    int insecure = 0;

    if (kwargs && PyObject_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Client() takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "s|LLLzzzp", &host, &connect_ms, &answer_ms, &nbytes_max, &options.ca,
                          &options.key, &options.key_file, &insecure))
        return NULL;
    options.insecure = insecure;
    options.connect_timeout_ms = connect_ms;
    options.answer_timeout_ms = answer_ms;
    options.reply_nbytes_max = nbytes_max;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct c2_py_client *self = (struct c2_py_client *)alloc(type, 0);
    if (!self) return NULL;
    if (!cat2_client_new(host, &options, &self->client, &err)) {
        Py_DECREF(self);
        return c2_py_raise(&err);
    }
    cat2_client_on_wait(self->client, go_on, self);
    return (PyObject *)self;
}

static void client_dealloc(PyObject *object)
{
    cat2_client_free(((struct c2_py_client *)object)->client);
    c2_py_free(object);
}

static PyObject *client_get_json(PyObject *object, PyObject *args)
{
    struct c2_py_client *self = (struct c2_py_client *)object;
    struct cat2_error err = {0};
    const char *target;
    char *json = NULL;

    if (!PyArg_ParseTuple(args, "s", &target) || !c2_py_enter(self)) return NULL;
    bool ok = cat2_client_get_json(self->client, target, &json, &err);
    c2_py_leave(self);
    if (!ok) return c2_py_raise(&err);
    PyObject *text = c2_py_text(json);
    free(json);
    return text;
}

static PyObject *client_list(PyObject *object, PyObject *args)
{
    struct c2_py_client *self = (struct c2_py_client *)object;
    struct cat2_error err = {0};
    cat2_strings *paths = NULL;
    const char *root;

    if (!PyArg_ParseTuple(args, "s", &root) || !c2_py_enter(self)) return NULL;
    bool ok = cat2_client_list(self->client, root, &paths, &err);
    c2_py_leave(self);
    if (!ok) return c2_py_raise(&err);
    PyObject *list = PyList_New((Py_ssize_t)cat2_strings_count(paths));
    for (size_t i = 0; list && i < cat2_strings_count(paths); i++) {
        PyObject *text = c2_py_text(cat2_strings_at(paths, i));
        if (!text) Py_CLEAR(list);
        if (text) PyList_SetItem(list, (Py_ssize_t)i, text);
    }
    cat2_strings_free(paths);
    return list;
}

static PyObject *order(PyObject *object, PyObject *args,
                       bool (*call)(cat2_client *client, const char *root, struct cat2_error *err))
{
    struct c2_py_client *self = (struct c2_py_client *)object;
    struct cat2_error err = {0};
    const char *root;

    if (!PyArg_ParseTuple(args, "s", &root) || !c2_py_enter(self)) return NULL;
    bool ok = call(self->client, root, &err);
    c2_py_leave(self);
    if (!ok) return c2_py_raise(&err);
    Py_RETURN_NONE;
}

static PyObject *client_subscribe(PyObject *self, PyObject *args)
{
    return order(self, args, cat2_client_subscribe);
}
static PyObject *client_unsubscribe(PyObject *self, PyObject *args)
{
    return order(self, args, cat2_client_unsubscribe);
}

static PyObject *client_open(PyObject *object, PyObject *args)
{
    struct c2_py_client *self = (struct c2_py_client *)object;
    struct cat2_error err = {0};
    cat2_dataset *dataset = NULL;
    const char *path;

    if (!PyArg_ParseTuple(args, "s", &path) || !c2_py_enter(self)) return NULL;
    bool ok = cat2_dataset_open(self->client, path, &dataset, &err);
    c2_py_leave(self);
    return ok ? c2_py_dataset_new(self, dataset) : c2_py_raise(&err);
}

static PyObject *client_reopen(PyObject *object, PyObject *args)
{
    struct c2_py_client *self = (struct c2_py_client *)object;
    struct cat2_error err = {0};
    cat2_dataset *dataset = NULL;
    const char *path, *info, *etag;

    if (!PyArg_ParseTuple(args, "sss", &path, &info, &etag) || !c2_py_enter(self)) return NULL;
    bool ok = cat2_dataset_reopen(self->client, path, info, etag, &dataset, &err);
    c2_py_leave(self);
    return ok ? c2_py_dataset_new(self, dataset) : c2_py_raise(&err);
}

static PyObject *client_cancel(PyObject *object, PyObject *unused)
{
    (void)unused;
    atomic_store(&((struct c2_py_client *)object)->cancelled, true);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"get_json", client_get_json, METH_VARARGS, "get_json(target): the JSON answer to GET target, as text."},
    {"list", client_list, METH_VARARGS, "list(root): paths of its datasets, relative to it."},
    {"subscribe", client_subscribe, METH_VARARGS, "subscribe(root): have it followed."},
    {"unsubscribe", client_unsubscribe, METH_VARARGS, "unsubscribe(root): have it followed no more."},
    {"open", client_open, METH_VARARGS, "open(path): a Dataset; its metadata are asked for."},
    {"reopen", client_reopen, METH_VARARGS,
     "reopen(path, info, etag): a Dataset as it was; nothing is asked."},
    {"cancel", client_cancel, METH_NOARGS, "cancel(): end the call that another thread has under way."},
    {0}};

static PyType_Slot slots[] = {{Py_tp_doc, "Client(host, connect_ms, answer_ms, nbytes_max): one connection."},
                              {Py_tp_new, client_new},
                              {Py_tp_dealloc, client_dealloc},
                              {Py_tp_methods, methods},
                              {0, NULL}};
static PyType_Spec spec = {"caterva2._native.Client", sizeof(struct c2_py_client), 0, Py_TPFLAGS_DEFAULT,
                           slots};

bool c2_py_add_client(PyObject *module)
{
    c2_py_client_type = PyType_FromSpec(&spec);
    if (!c2_py_client_type) return false;
    Py_INCREF(c2_py_client_type);
    return PyModule_AddObject(module, "Client", c2_py_client_type) == 0;
}
