/* SPDX-License-Identifier: BSD-3-Clause */
/* The module. */
#include "python/native.h"

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
