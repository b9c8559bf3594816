/* SPDX-License-Identifier: Apache-2.0 */
/* Moving about in the statement tree; shared by the primitives. */
#ifndef SCHEDULE_TREE_H
#define SCHEDULE_TREE_H

#include "schedule/schedule.h"

/* The pointer that holds `target` (a list head or a predecessor's next), so
 * that it can be unlinked; NULL when it is not in the tree. */
struct statement **tree_link(struct schedule *schedule,
                             const struct statement *target);
/* The top-level statement that contains `target`. */
struct statement *tree_root_of(struct schedule *schedule,
                               const struct statement *target);
bool tree_contains(const struct statement *root,
                   const struct statement *target);
/* Takes a statement out of its list; leaves ->next NULL. */
void tree_remove(struct schedule *schedule, struct statement *target);
/* Removes `target` and every loop around it that it leaves empty. */
void tree_prune(struct schedule *schedule, struct statement *target);
void tree_insert_before(struct schedule *schedule, struct statement *position,
                        struct statement *inserted);
void tree_insert_after(struct statement *position, struct statement *inserted);

/* A loop variable whose name no loop of the function has yet. */
struct variable *tree_variable(struct schedule *schedule, const char *name,
                               const struct expr *extent);
/* "<stage>.<suffix>", numbered where a block has that name. */
const char *tree_stage_name(struct schedule *schedule, const char *stage,
                            const char *suffix);

/* Whether a block reads it: what its result starts from is read by one part of
 * a reduction, what is added by the other. */
bool tree_reads(struct expr_pool *pool, const struct statement *block,
                const struct buffer *buffer);

/* Calls visit for each block below a list. */
void tree_blocks(struct statement *list,
                 void (*visit)(void *context, struct statement *block),
                 void *context);

/* Adds `condition` to a block's predicate unless it holds anyway. */
void tree_add_predicate(struct schedule *schedule, struct statement *block,
                        const struct expr *condition);

/* One line for the trace: the primitive and its words. */
void tree_trace(struct schedule *schedule, const char *format, ...)
    ADZE_PRINTF(2, 3);
/* A precondition that does not hold. */
enum adze_status tree_refuse(struct schedule *schedule, const char *format,
                             ...) ADZE_PRINTF(2, 3);

#endif
