/* SPDX-License-Identifier: BSD-3-Clause */
/* Linked lists through members of what is in them. The macros evaluate their arguments more than once. */
#ifndef C2_BASE_LIST_H
#define C2_BASE_LIST_H

/** Put item, which has `prev` and `next`, first into the list that begins at head. */
#define c2_list_push(head, item)                                                                             \
    do {                                                                                                     \
        (item)->prev = NULL;                                                                                 \
        (item)->next = (head);                                                                               \
        if (head) (head)->prev = (item);                                                                     \
        (head) = (item);                                                                                     \
    } while (0)

/** Take item out of the list that it is in. */
#define c2_list_remove(head, item)                                                                           \
    do {                                                                                                     \
        if ((item)->prev)                                                                                    \
            (item)->prev->next = (item)->next;                                                               \
        else                                                                                                 \
            (head) = (item)->next;                                                                           \
        if ((item)->next) (item)->next->prev = (item)->prev;                                                 \
    } while (0)

/* Lists with two ends, `first` and `last`; `prev` and `next` are the links of their items. */

/** Put item at the end; where it begins with the ends and the links exchanged. */
#define c2_queue_push(first, last, item, prev, next)                                                         \
    do {                                                                                                     \
        (item)->prev = (last);                                                                               \
        (item)->next = NULL;                                                                                 \
        *((last) ? &(last)->next : &(first)) = (item);                                                       \
        (last) = (item);                                                                                     \
    } while (0)

/** Take item out. */
#define c2_queue_remove(first, last, item, prev, next)                                                       \
    do {                                                                                                     \
        *((item)->prev ? &(item)->prev->next : &(first)) = (item)->next;                                     \
        *((item)->next ? &(item)->next->prev : &(last)) = (item)->prev;                                      \
    } while (0)

/** Put item at the end of a list without links back. An empty one is one whose first is NULL. */
#define c2_chain_push(first, last, item)                                                                     \
    do {                                                                                                     \
        (item)->next = NULL;                                                                                 \
        *((first) ? &(last)->next : &(first)) = (item);                                                      \
        (last) = (item);                                                                                     \
    } while (0)

/** Take item out of a list without `prev`, whose next item is at `link`. One that is not in it stays. */
#define c2_chain_remove(head, item, link)                                                                    \
    do {                                                                                                     \
        __typeof__(&(head)) c2_at = &(head);                                                                 \
        while (*c2_at && *c2_at != (item))                                                                   \
            c2_at = &(*c2_at)->link;                                                                         \
        if (*c2_at) *c2_at = (item)->link;                                                                   \
    } while (0)

#endif
