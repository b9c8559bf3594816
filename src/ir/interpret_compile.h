/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that compile programs: interpret_compile.c (statements),
 * interpret_expr.c (expressions), interpret_memory.c (loads, offsets). */
#ifndef IR_INTERPRET_COMPILE_H
#define IR_INTERPRET_COMPILE_H

#include "ir/interpret_program.h"

#define SLOT_NONE 0u
/* Slots of values that live as long as one statement are numbered on their own
 * and laid behind the others at the end. */
#define SLOT_TEMPORARY 0x80000000u
/* The level of what loads or reads locals: computed where it stands. */
#define LEVEL_HERE INT32_MAX
#define LEVEL_UNKNOWN (-1)

/* What is known of an expression at this point of the function. */
struct node_info {
  uint32_t slot; /* where its value is; SLOT_NONE: not computed yet */
  int32_t level; /* the innermost loop it depends on; 0: none */
  bool has_load;
  uint32_t mark;
};

struct code {
  struct instruction *data;
  size_t count, capacity;
};

/* A loop that is open, or the function (level 0). */
struct level {
  struct code prologue; /* at the start of each round */
  struct code body;
  VEC(struct node_info *) forget; /* known only while this loop is open */
};

#define LEVEL_LIMIT 128 /* loops in each other */
#define SLOT_LIMIT (1u << 28)

struct compiler {
  struct expr_pool *pool;
  struct arena *arena;
  const struct function *function;
  const struct element_stages *calls;
  struct level levels[LEVEL_LIMIT];
  int32_t level;        /* the innermost open one */
  struct map nodes;     /* expression id -> struct node_info */
  struct map variables; /* variable id -> struct binding */
  struct map memories;  /* buffer id -> 1 + memory number */
  struct map locals;    /* local id -> slot */
  VEC(struct program_constant) constants;
  VEC(struct node_info *) forget; /* known only in this region */
  uint32_t persistent, temporary, temporary_most;
  uint32_t last_slot; /* the last instruction alone writes this one */
  uint32_t mark;
  uint32_t depth; /* of compile_expr in itself */
  uint32_t mask;  /* lanes whose loads count, where some do not */
  uint16_t mask_lanes;
  struct adze_error *error;
};

struct binding {
  uint32_t slot;
  int32_t level;
};

/* A stretch of code that may be skipped: what is computed in it is not known
 * behind it. */
struct region {
  size_t forget;
  uint32_t temporary;
};
struct region region_begin(struct compiler *compiler);
/* Keeps temporaries when `keep`. */
void region_end(struct compiler *compiler, struct region region, bool keep);

uint32_t slot_persistent(struct compiler *compiler, uint16_t lanes);
uint32_t slot_temporary(struct compiler *compiler, uint16_t lanes);
/* Appends to the code of the innermost loop; returns where. */
size_t emit(struct compiler *compiler, struct instruction instruction);
/* Makes the jump at `from` go to the end of the code. */
void patch_jump(struct compiler *compiler, size_t from);

struct node_info *node_info_of(struct compiler *compiler, const struct expr *e);
/* Finds the level of e and of all below it. */
enum adze_status node_analyze(struct compiler *compiler,
                              const struct expr *e) ADZE_MUST_USE;
void node_set_slot(struct compiler *compiler, struct node_info *info,
                   uint32_t slot);

/* Code for e, which is in its own terms (halves and transcendental functions
 * included); *slot holds the value as long as the region is open. */
enum adze_status compile_expr(struct compiler *compiler, const struct expr *e,
                              uint32_t *slot) ADZE_MUST_USE;
/* Code for a load that is not computed yet. */
enum adze_status compile_load(struct compiler *compiler, const struct expr *e,
                              struct node_info *info) ADZE_MUST_USE;
/* The element offset of an access, with checks of each index emitted. */
enum adze_status compile_offset(struct compiler *compiler,
                                const struct buffer *buffer,
                                const struct expr *const *indices, size_t count,
                                uint32_t *slot) ADZE_MUST_USE;
enum adze_status memory_number(struct compiler *compiler,
                               const struct buffer *buffer,
                               int32_t *out) ADZE_MUST_USE;

/* The instructions, applied one after the other, that compute a node from its
 * arguments lane by lane: the first gets the arguments, the others the result
 * before. Returns how many, 0 for kinds that are not computed so. */
struct opcode_step {
  uint16_t opcode;
  int32_t immediate;
};
#define OPCODE_STEPS 3
size_t opcode_steps(const struct expr *e,
                    struct opcode_step steps[OPCODE_STEPS]);

#endif
