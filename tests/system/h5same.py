# SPDX-License-Identifier: BSD-3-Clause
"""Two HDF5 files compared in all that h5py tells of them: differences(a, b) lists what differs, as text. Filters and the places of
data in the file do not count, unless asked for."""
import h5py
import numpy as np


def differences(first, second, filters=False):
    with h5py.File(first, locking=False) as a, h5py.File(second, locking=False) as b:
        walk = Walk(a, b, filters)
        if a.userblock_size != b.userblock_size:
            walk.tell("/", "user block", a.userblock_size, b.userblock_size)
        elif a.userblock_size:
            with open(first, "rb") as x, open(second, "rb") as y:
                if x.read(a.userblock_size) != y.read(b.userblock_size):
                    walk.tell("/", "user block", "bytes", "others")
        walk.objects("/", a["/"].id, b["/"].id)
        walk.references()
        return walk.found


def address(oid):
    return h5py.h5o.get_info(oid).addr


class Walk:
    def __init__(self, a, b, filters):
        self.a, self.b, self.filters = a, b, filters
        self.found, self.seen, self.back, self.led = [], {}, {}, []

    def tell(self, path, what, a, b):
        self.found.append(f"{path}: {what}: {str(a)[:150]} -> {str(b)[:150]}")

    def same(self, path, what, a, b):
        if a != b:
            self.tell(path, what, a, b)
        return a == b

    def objects(self, path, a, b):
        here, there = address(a), address(b)
        if here in self.seen or there in self.back:
            self.same(path, "object", self.seen.get(here), there)
            return
        self.seen[here], self.back[there] = there, here
        if not self.same(path, "kind", type(a), type(b)):
            return
        self.attributes(path, a, b)
        if isinstance(a, h5py.h5g.GroupID):
            self.group(path, a, b)
        elif isinstance(a, h5py.h5d.DatasetID):
            self.dataset(path, a, b)
        else:
            self.types(path, "type", a, b)

    # ---- groups ----

    def names(self, group):
        tracked = group.get_create_plist().get_link_creation_order() if hasattr(group, "get_create_plist") else 0
        names = []
        kind = h5py.h5.INDEX_CRT_ORDER if tracked & 1 else h5py.h5.INDEX_NAME
        group.links.visit  # there is one
        group.links.iterate(lambda name, info=None: names.append(name), idx_type=kind)
        return tracked, names

    def group(self, path, a, b):
        try:
            (ta, na), (tb, nb) = self.names(a), self.names(b)
        except RuntimeError as error:
            self.tell(path, "links", "", error)
            return
        self.same(path, "link order", ta, tb)
        self.same(path, "names", na, nb)
        for name in na:
            if name not in nb:
                continue
            below = path.rstrip("/") + "/" + name.decode("utf-8", "backslashreplace")
            x, y = a.links.get_info(name), b.links.get_info(name)
            if not self.same(below, "kind of link", x.type, y.type):
                continue
            if x.type == h5py.h5l.TYPE_HARD:
                try:
                    child = h5py.h5o.open(a, name)
                except (KeyError, RuntimeError, OSError):
                    continue
                self.objects(below, child, h5py.h5o.open(b, name))
            elif x.type in (h5py.h5l.TYPE_SOFT, h5py.h5l.TYPE_EXTERNAL):
                self.same(below, "link", a.links.get_val(name), b.links.get_val(name))

    # ---- types and values ----

    def types(self, path, what, a, b):
        if not a.equal(b):
            self.tell(path, what, describe(a), describe(b))
        elif a.committed() != b.committed():
            self.tell(path, what, f"named {a.committed()}", b.committed())
        elif a.committed():
            self.same(path, what + " (name)", h5py.h5i.get_name(a), h5py.h5i.get_name(b))

    def space(self, path, what, a, b):
        self.same(path, what + " space", a.get_simple_extent_type(), b.get_simple_extent_type())
        if a.get_simple_extent_type() == b.get_simple_extent_type() == h5py.h5s.SIMPLE:
            self.same(path, what + " shape", a.get_simple_extent_dims(), b.get_simple_extent_dims())
            self.same(path, what + " maxshape", a.get_simple_extent_dims(True), b.get_simple_extent_dims(True))

    def values(self, path, what, a, b):
        leads = [], []
        x, y = plain(a, self.a, leads[0]), plain(b, self.b, leads[1])
        if x != y:
            self.tell(path, what, x, y)
        elif leads[0]:
            self.led.append((path, what, leads))

    def references(self):
        """References lead to the same objects. By address: to ask for names takes a look at the whole file each time."""
        for path, what, (a, b) in self.led:
            self.same(path, what + " (references)", [self.seen.get(where) for where in a], b)

    def attributes(self, path, a, b):
        order = 0
        if not isinstance(a, h5py.h5t.TypeID):
            pa, pb = a.get_create_plist() if hasattr(a, "get_create_plist") else None, b.get_create_plist() if hasattr(b, "get_create_plist") else None
            if pa is not None:
                order = pa.get_attr_creation_order()
                self.same(path, "attribute order", order, pb.get_attr_creation_order())
        lists = []
        for obj in (a, b):
            names = []
            h5py.h5a.iterate(obj, lambda name, info=None: names.append(name) and None,
                             index_type=h5py.h5.INDEX_CRT_ORDER if order & 1 else h5py.h5.INDEX_NAME)
            lists.append(names)
        self.same(path, "attributes", *lists)
        for name in lists[0]:
            if name not in lists[1]:
                continue
            x, y, at = h5py.h5a.open(a, name), h5py.h5a.open(b, name), f"{path}@{name.decode('utf-8', 'backslashreplace')}"
            self.types(at, "type", x.get_type(), y.get_type())
            self.space(at, "attribute", x.get_space(), y.get_space())
            self.values(at, "value", x, y)

    def dataset(self, path, a, b):
        self.types(path, "type", a.get_type(), b.get_type())
        self.space(path, "dataset", a.get_space(), b.get_space())
        x, y = a.get_create_plist(), b.get_create_plist()
        if self.same(path, "layout", x.get_layout(), y.get_layout()) and x.get_layout() == h5py.h5d.CHUNKED:
            self.same(path, "chunks", x.get_chunk(), y.get_chunk())
            if self.filters:
                self.same(path, "filters", *([p.get_filter(i)[:3] for i in range(p.get_nfilters())] for p in (x, y)))
        self.same(path, "fill time", x.get_fill_time(), y.get_fill_time())
        if self.same(path, "fill value", x.fill_value_defined(), y.fill_value_defined()) and x.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED:
            leads = [], []
            before, after = (fill_value(d, file, to) for d, file, to in ((a, self.a, leads[0]), (b, self.b, leads[1])))
            if self.same(path, "fill value", before, after):
                self.led.append((path, "fill value", leads))
        self.same(path, "times", x.get_obj_track_times(), y.get_obj_track_times())
        self.values(path, "values", a, b)


def describe(t):
    return f"{type(t).__name__} {t.get_size()} {getattr(t, 'dtype', None)}"


def variable(t):
    if isinstance(t, h5py.h5t.TypeStringID):
        return t.is_variable_str()
    if isinstance(t, (h5py.h5t.TypeVlenID, h5py.h5t.TypeReferenceID)):
        return True
    if isinstance(t, h5py.h5t.TypeArrayID):
        return variable(t.get_super())
    if isinstance(t, h5py.h5t.TypeCompoundID):
        return any(variable(t.get_member_type(i)) for i in range(t.get_nmembers()))
    return False


def loose(t):
    """Has the type bytes that are no data: behind the end of a text, between members?"""
    if isinstance(t, h5py.h5t.TypeArrayID):
        return loose(t.get_super())
    return isinstance(t, (h5py.h5t.TypeCompoundID, h5py.h5t.TypeStringID))


def plain(source, file, leads):
    """Values as something that can be compared; an exception's text where they cannot be read."""
    try:
        space, t = source.get_space(), source.get_type()
        if space.get_simple_extent_type() == h5py.h5s.NULL:
            return None
        shape = space.get_simple_extent_dims()
        if not variable(t) and not loose(t):
            out = np.zeros(shape, f"V{t.get_size()}")
            if isinstance(source, h5py.h5d.DatasetID):
                source.read(h5py.h5s.ALL, h5py.h5s.ALL, out, t) if out.size else None
            else:
                source.read(out, t) if out.size else None
            return out.tobytes()
        if isinstance(source, h5py.h5d.DatasetID):
            value = h5py.Dataset(source)[()]
        else:
            out = np.zeros(shape, source.dtype)
            source.read(out) if out.size else None
            value = out if out.shape else out[()]
        return simple(value, file, leads)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"


def fill_value(dataset, file, leads):
    try:
        return simple(h5py.Dataset(dataset).fillvalue, file, leads)
    except TypeError as error:  # of a type that NumPy does not know
        return str(error)


def simple(value, file, leads):
    if isinstance(value, (h5py.Reference, h5py.RegionReference)):
        if not value:
            return None
        target = h5py.h5r.dereference(value, file.id)
        leads.append(address(target) if target else None)
        if not isinstance(value, h5py.RegionReference):
            return "reference"
        space = h5py.h5r.get_region(value, file.id)
        kind = space.get_select_type()
        what = (space.get_select_hyper_blocklist() if kind == h5py.h5s.SEL_HYPERSLABS else
                space.get_select_elem_pointlist() if kind == h5py.h5s.SEL_POINTS else kind)
        return kind, np.asarray(what).tolist()
    if isinstance(value, (np.void, np.ndarray)) and value.dtype.fields:
        return [simple(value[name], file, leads) for name in value.dtype.names]
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "O":
            return [value.shape, value.dtype.str, value.tobytes()]
        return [value.shape, [simple(v, file, leads) for v in value.ravel()]]
    return value.tobytes() if isinstance(value, np.generic) else value


if __name__ == "__main__":
    import sys
    for line in differences(*sys.argv[1:3]):
        print(line)
