# SPDX-License-Identifier: BSD-3-Clause
"""What was on disk and what was answered, and whether the second can come of the first.

A dataset has versions, numbered from 0: contents of one generation (a number that is in every item), or none (removed). A writer
says when each version could first be on disk (`before`) and when it surely was (`after`). Somebody who asks says when the request
started and ended and what the answer said: the generation of the items, that there is no such dataset, or the ETag alone.

    history = History()
    history.wrote(dataset, generation or None, before, after)
    history.saw(Seen(...))
    history.converged(time)        # all subscribers gave the newest version of everything
    history.calm(begin, end)       # nothing was wrong with services and network
    faults = history.check()       # of what was seen since the last call; what has to be remembered stays

What is checked, in the order of the numbers in the messages:

1. the version existed before the answer ended
2. it is not older than the newest at the last convergence before the request started, nor, when all was well, older than
   `stale_s` seconds
3. an ETag is of one generation (of one subscriber and dataset)
4. equal ETags have equal bytes, whoever asked, whenever, for whatever part
5. who asked after somebody had an answer (or an event) from the same subscriber gets no older version
6. the events of a stream do not go back either
"""
import bisect
import collections
import dataclasses
import heapq

ABSENT = "absent"


@dataclasses.dataclass
class Version:
    number: int
    generation: int | None
    before: float
    after: float


@dataclasses.dataclass
class Seen:
    sub: str
    client: str
    dataset: str
    face: str
    start: float
    end: float
    generation: int | str | None = None  # or ABSENT; None: only the ETag tells
    etag: str | None = None
    parts: dict = dataclasses.field(default_factory=dict)  # name of a part of the bytes -> its digest
    event: str | None = None  # the stream, of an event

    def __str__(self):
        what = self.generation if self.generation is not None else "etag"
        return f"{self.client} at {self.sub}: {self.face} {self.dataset} [{self.start:.3f} {self.end:.3f}] -> {what} {self.etag}"


class History:
    def __init__(self, stale_s=30):
        self.stale_s = stale_s
        self.versions = collections.defaultdict(list)  # by dataset
        self.number = collections.defaultdict(dict)  # by dataset: generation -> version
        self.seen = []
        self.etags = {}  # (sub, dataset, etag) -> generation
        self.bytes = {}  # (sub, dataset, etag) -> {part: digest}
        self.floor = {}  # (sub, dataset) -> (version, what was seen)
        self.streams = {}  # (sub, dataset, stream) -> version
        self.marks, self.calms = [], []
        self.count = collections.Counter()

    # ---- what happened; callers hold a lock if there are several ----
    def wrote(self, dataset, generation, before, after):
        versions = self.versions[dataset]
        versions.append(Version(len(versions), generation, before, after))
        if generation is not None:
            self.number[dataset][generation] = versions[-1]

    def saw(self, seen):
        self.seen.append(seen)

    def converged(self, time):
        self.marks.append((time, {dataset: versions[-1].number for dataset, versions in self.versions.items()}))

    def calm(self, begin, end):
        self.calms.append((begin, end))

    def newest(self, dataset):
        return self.versions[dataset][-1]

    # ---- the check ----
    def check(self):
        faults, seen = [], sorted(self.seen, key=lambda it: it.start)
        self.seen = []
        for it in seen:
            self._etag(it, faults)
        by_place = collections.defaultdict(list)
        for it in seen:
            by_place[it.sub, it.dataset].append(it)
        for place, those in by_place.items():
            self._in_order(place, those, faults)
        return faults

    def _etag(self, it, faults):
        self.count[it.face] += 1
        if it.etag is None:
            return
        key = (it.sub, it.dataset, it.etag)
        if isinstance(it.generation, int):
            known = self.etags.setdefault(key, it.generation)
            if known != it.generation:
                faults.append(f"3: the ETag is that of generation {known}: {it}")
        parts = self.bytes.setdefault(key, {})
        for part, digest in it.parts.items():
            if parts.setdefault(part, digest) != digest:
                faults.append(f"4: other bytes {part} under the same ETag: {it}")

    def _version(self, it, floor):
        """The version that was seen; of removals, which look alike, the first that can be. None: the ETag is of an unknown one."""
        generation = it.generation
        if generation is None:
            generation = self.etags.get((it.sub, it.dataset, it.etag))
            if generation is None:
                return None
        if generation != ABSENT:
            return self.number[it.dataset].get(generation, False)
        removals = [version for version in self.versions[it.dataset] if version.generation is None and version.before <= it.end]
        later = [version for version in removals if version.number >= floor]
        return later[0] if later else removals[-1] if removals else False

    def _mark(self, it):
        """The last convergence before it started: (time, version)."""
        mark = bisect.bisect_left(self.marks, (it.start,)) - 1
        return (self.marks[mark][0], self.marks[mark][1].get(it.dataset, -1)) if mark >= 0 else (0, -1)

    def _fresh(self, it, version, faults):
        converged, number = self._mark(it)
        if version.number < number:
            faults.append(f"2: version {version.number} was no more when all had converged at {converged:.3f}: {it}")
        following = self.versions[it.dataset][version.number + 1:version.number + 2]
        if following and it.start - following[0].after > self.stale_s and any(
                begin <= following[0].after and it.start <= end for begin, end in self.calms):
            faults.append(f"2: version {version.number} was replaced at {following[0].after:.3f}, and all was well: {it}")

    def _in_order(self, place, those, faults):
        """`those` by their starts; what ended before raises the floor."""
        floor, cause = self.floor.get(place, (-1, None))
        ended = []  # a heap of (end, order, version, what), waiting until somebody starts after it
        for order, it in enumerate(those):
            while ended and ended[0][0] < it.start:
                _, _, number, what = heapq.heappop(ended)
                if number > floor:
                    floor, cause = number, str(what)
            stream = self.streams.get((*place, it.event), -1) if it.event else -1
            version = self._version(it, stream if it.event else max(floor, self._mark(it)[1]))
            if version is None:
                continue
            if version is False:
                faults.append(f"1: there never was such a version: {it}")
                continue
            if version.before > it.end:
                faults.append(f"1: version {version.number} came only at {version.before:.3f}: {it}")
            if it.event:
                if version.number < stream:
                    faults.append(f"6: version {version.number} after {stream} in the same stream: {it}")
                self.streams[(*place, it.event)] = version.number
            else:
                self._fresh(it, version, faults)
                if version.number < floor:
                    faults.append(f"5: version {version.number} after version {floor} ({cause}): {it}")
            heapq.heappush(ended, (it.end, order, version.number, it))
        for _, _, number, what in ended:
            if number > floor:
                floor, cause = number, str(what)
        self.floor[place] = (floor, cause)
