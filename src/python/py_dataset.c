/* SPDX-License-Identifier: BSD-3-Clause */
/* Dataset: its metadata, and its items in memory of Python's. That memory is a bytearray (or bytes): the
 * limited API of 3.9 has no buffers, but it has these two, and NumPy makes arrays of them without a copy. */
#include <stdlib.h>

#include "python/native.h"

#define REPORT_EVERY_NS 50000000 /* progress of downloads */

PyObject *c2_py_dataset_type;

PyObject *c2_py_dataset_new(struct c2_py_client *owner, cat2_dataset *dataset)
{
    PyTypeObject *type = (PyTypeObject *)c2_py_dataset_type;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct c2_py_dataset *self = (struct c2_py_dataset *)alloc(type, 0);

    if (!self) {
        cat2_dataset_free(dataset);
        return NULL;
    }
    Py_INCREF(owner);
    self->owner = owner;
    self->dataset = dataset;
    return (PyObject *)self;
}

static PyObject *dataset_refuse(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)type, (void)args, (void)kwargs;
    PyErr_SetString(PyExc_TypeError, "datasets are opened by a Client");
    return NULL;
}

static void dataset_dealloc(PyObject *object)
{
    struct c2_py_dataset *self = (struct c2_py_dataset *)object;

    cat2_dataset_free(self->dataset);
    Py_XDECREF((PyObject *)self->owner);
    c2_py_free(object);
}

/* ---- metadata ---- */

static const cat2_dataset *of(PyObject *object)
{
    return ((struct c2_py_dataset *)object)->dataset;
}

static PyObject *integers(const int64_t *wide, const int32_t *narrow, int n)
{
    PyObject *tuple = PyTuple_New(n);

    for (int i = 0; tuple && i < n; i++) {
        PyObject *one = PyLong_FromLongLong(wide ? wide[i] : narrow[i]);
        if (!one) Py_CLEAR(tuple);
        if (one) PyTuple_SetItem(tuple, i, one);
    }
    return tuple;
}

static PyObject *get_shape(PyObject *self, void *unused)
{
    (void)unused;
    return integers(cat2_dataset_shape(of(self)), NULL, cat2_dataset_ndim(of(self)));
}
static PyObject *get_chunks(PyObject *self, void *unused)
{
    (void)unused;
    return integers(NULL, cat2_dataset_chunks(of(self)), cat2_dataset_ndim(of(self)));
}
static PyObject *get_blocks(PyObject *self, void *unused)
{
    (void)unused;
    return integers(NULL, cat2_dataset_blocks(of(self)), cat2_dataset_ndim(of(self)));
}

enum field { KIND, ITEMSIZE, NBYTES, CBYTES, NCHUNKS, PATH, DTYPE, ATTRIBUTES, INFO, ETAG };

static PyObject *get_field(PyObject *self, void *closure)
{
    const cat2_dataset *dataset = of(self);

    switch (*(const enum field *)closure) {
    case KIND:
        return PyLong_FromLong((long)cat2_dataset_kind(dataset));
    case ITEMSIZE:
        return PyLong_FromLongLong(cat2_dataset_itemsize(dataset));
    case NBYTES:
        return PyLong_FromLongLong(cat2_dataset_nbytes(dataset));
    case CBYTES:
        return PyLong_FromLongLong(cat2_dataset_cbytes(dataset));
    case NCHUNKS:
        return PyLong_FromLongLong(cat2_dataset_nchunks(dataset));
    case PATH:
        return c2_py_text(cat2_dataset_path(dataset));
    case DTYPE:
        return c2_py_text(cat2_dataset_dtype(dataset));
    case ATTRIBUTES:
        return c2_py_text(cat2_dataset_attributes(dataset));
    case INFO:
        return c2_py_text(cat2_dataset_info(dataset));
    case ETAG:
        return c2_py_text(cat2_dataset_etag(dataset));
    }
    return NULL;
}

/* ---- items ---- */

static PyObject *new_memory(Py_ssize_t nbytes, bool as_bytes, void **memory)
{
    PyObject *object =
        as_bytes ? PyBytes_FromStringAndSize(NULL, nbytes) : PyByteArray_FromStringAndSize(NULL, nbytes);

    if (!object) return NULL;
    *memory = as_bytes ? PyBytes_AsString(object) : PyByteArray_AsString(object);
    return object;
}

static PyObject *dataset_fetch(PyObject *object, PyObject *args)
{
    struct c2_py_dataset *self = (struct c2_py_dataset *)object;
    struct cat2_error err = {0};
    const char *slice;
    int wire, as_bytes, ndim;
    int64_t shape[CAT2_MAX_DIM], nbytes;
    void *memory;

    if (!PyArg_ParseTuple(args, "sip", &slice, &wire, &as_bytes)) return NULL;
    if (!cat2_dataset_select(self->dataset, slice, &ndim, shape, &nbytes, &err)) return c2_py_raise(&err);
    PyObject *items = new_memory((Py_ssize_t)nbytes, as_bytes, &memory);
    if (!items) return NULL;
    if (!c2_py_enter(self->owner)) {
        Py_DECREF(items);
        return NULL;
    }
    bool ok =
        cat2_dataset_fetch_into(self->dataset, slice, (enum cat2_wire)wire, memory, (size_t)nbytes, &err);
    c2_py_leave(self->owner);
    if (!ok) {
        Py_DECREF(items);
        return c2_py_raise(&err);
    }
    PyObject *lengths = integers(shape, NULL, ndim);
    if (!lengths) {
        Py_DECREF(items);
        return NULL;
    }
    return Py_BuildValue("NN", items, lengths);
}

static PyObject *dataset_frame(PyObject *object, PyObject *args)
{
    struct c2_py_dataset *self = (struct c2_py_dataset *)object;
    struct cat2_error err = {0};
    const char *slice;
    void *frame = NULL;
    size_t nbytes = 0;

    if (!PyArg_ParseTuple(args, "s", &slice) || !c2_py_enter(self->owner)) return NULL;
    bool ok = cat2_dataset_fetch_frame(self->dataset, slice, &frame, &nbytes, &err);
    c2_py_leave(self->owner);
    if (!ok) return c2_py_raise(&err);
    PyObject *bytes = PyBytes_FromStringAndSize(frame, (Py_ssize_t)nbytes);
    free(frame);
    return bytes;
}

/* ---- downloads ---- */

struct reporter {
    struct c2_py_client *client;
    PyObject *callable; /* borrowed */
    int64_t reported_ns;
};

/* Tell of it, not too often, but always of the end. An exception, or False, ends the download. */
static bool report(void *ctx, int64_t nbytes, int64_t total)
{
    struct reporter *reporter = ctx;
    int64_t now = c2_py_now();
    bool ok;

    if (nbytes != total && now - reporter->reported_ns < REPORT_EVERY_NS) return true;
    reporter->reported_ns = now;
    c2_py_pause(reporter->client);
    PyObject *answer = PyObject_CallFunction(reporter->callable, "LL", (long long)nbytes, (long long)total);
    ok = answer && answer != Py_False;
    Py_XDECREF(answer);
    c2_py_resume(reporter->client);
    return ok;
}

static PyObject *dataset_download(PyObject *object, PyObject *args)
{
    struct c2_py_dataset *self = (struct c2_py_dataset *)object;
    struct reporter reporter = {.client = self->owner};
    struct cat2_download_options options = CAT2_DOWNLOAD_OPTIONS_INIT;
    struct cat2_error err = {0};
    PyObject *file = NULL;
    int resume;

    if (!PyArg_ParseTuple(args, "O&Op", PyUnicode_FSConverter, &file, &reporter.callable, &resume))
        return NULL;
    options.resume = resume;
    if (reporter.callable != Py_None) {
        options.progress = report;
        options.ctx = &reporter;
    }
    if (!c2_py_enter(self->owner)) {
        Py_DECREF(file);
        return NULL;
    }
    bool ok = cat2_dataset_download(self->dataset, PyBytes_AsString(file), &options, &err);
    c2_py_leave(self->owner);
    Py_DECREF(file);
    if (!ok || PyErr_Occurred()) return c2_py_raise(&err);
    Py_RETURN_NONE;
}

static enum field fields[] = {KIND, ITEMSIZE, NBYTES, CBYTES, NCHUNKS, PATH, DTYPE, ATTRIBUTES, INFO, ETAG};
static PyGetSetDef members[] = {
    {"shape", get_shape, NULL, "items along each axis", NULL},
    {"chunks", get_chunks, NULL, "items of a chunk along each axis", NULL},
    {"blocks", get_blocks, NULL, "items of a block along each axis", NULL},
    {"kind", get_field, NULL, "ARRAY, FRAME or FILE", &fields[KIND]},
    {"itemsize", get_field, NULL, "bytes of an item", &fields[ITEMSIZE]},
    {"nbytes", get_field, NULL, "bytes of the padded storage, uncompressed", &fields[NBYTES]},
    {"cbytes", get_field, NULL, "bytes that the subscriber holds", &fields[CBYTES]},
    {"nchunks", get_field, NULL, "how many chunks", &fields[NCHUNKS]},
    {"path", get_field, NULL, "ROOT/PATH", &fields[PATH]},
    {"dtype", get_field, NULL, "NumPy's name of the type of the items", &fields[DTYPE]},
    {"attributes", get_field, NULL, "attributes, a JSON object", &fields[ATTRIBUTES]},
    {"info", get_field, NULL, "the metadata as they were received, JSON", &fields[INFO]},
    {"etag", get_field, NULL, "generation of the data", &fields[ETAG]},
    {0}};

static PyMethodDef methods[] = {
    {"fetch", dataset_fetch, METH_VARARGS,
     "fetch(slice, wire, as_bytes): (items, shape); the items are in a bytearray, or in bytes."},
    {"frame", dataset_frame, METH_VARARGS, "frame(slice): the selection as bytes of a Blosc2 frame."},
    {"download", dataset_download, METH_VARARGS,
     "download(file, progress, resume): save it; progress is None or called with bytes so far and in all."},
    {0}};

static PyType_Slot slots[] = {{Py_tp_doc, "A dataset that a Client has opened."},
                              {Py_tp_new, dataset_refuse},
                              {Py_tp_dealloc, dataset_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_getset, members},
                              {0, NULL}};
static PyType_Spec spec = {"caterva2._native.Dataset", sizeof(struct c2_py_dataset), 0, Py_TPFLAGS_DEFAULT,
                           slots};

bool c2_py_add_dataset(PyObject *module)
{
    c2_py_dataset_type = PyType_FromSpec(&spec);
    if (!c2_py_dataset_type) return false;
    Py_INCREF(c2_py_dataset_type);
    return PyModule_AddObject(module, "Dataset", c2_py_dataset_type) == 0;
}
