/* SPDX-License-Identifier: BSD-3-Clause */
/* Publishers in this process that can be asked before their events come. */
#include "base/list.h"
#include "bus/bus.h"

void c2_bus_add_looker(struct c2_bus *bus, struct c2_bus_looker *looker)
{
    looker->next = bus->lookers;
    bus->lookers = looker;
}

void c2_bus_remove_looker(struct c2_bus *bus, struct c2_bus_looker *looker)
{
    c2_chain_remove(bus->lookers, looker, next);
}

const struct c2_bus_looker *c2_bus_looker_of(const struct c2_bus *bus, const char *root)
{
    const struct c2_bus_looker *looker = bus->lookers;

    while (looker && strcmp(looker->root, root) != 0)
        looker = looker->next;
    return looker;
}
