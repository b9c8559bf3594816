/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles functions into the interpreter's programs: statements.
 *
 * Every open loop has two pieces of code, what stands in its body and a
 * prologue to which expressions of the body are hoisted while it is compiled.
 * When the loop is closed both are put behind its LOOP instruction. Jumps are
 * relative, so code can be moved as a whole.
 */
#include "ir/expand_math.h"
#include "ir/interpret_compile.h"

/* ---- Code and slots ----------------------------------------------------- */

size_t emit(struct compiler *c, struct instruction instruction) {
  struct code *body = &c->levels[c->level].body;
  c->last_slot = SLOT_NONE;
  vec_push(c->arena, body, instruction);
  return body->count - 1;
}

void patch_jump(struct compiler *c, size_t from) {
  struct code *body = &c->levels[c->level].body;
  body->data[from].immediate = (int32_t)(body->count - from);
}

uint32_t slot_persistent(struct compiler *c, uint16_t lanes) {
  uint32_t slot = c->persistent;
  if (c->persistent < SLOT_LIMIT)
    c->persistent += lanes;
  return slot;
}

uint32_t slot_temporary(struct compiler *c, uint16_t lanes) {
  uint32_t slot = c->temporary;
  if (c->temporary < SLOT_LIMIT)
    c->temporary += lanes;
  if (c->temporary > c->temporary_most)
    c->temporary_most = c->temporary;
  return slot | SLOT_TEMPORARY;
}

struct region region_begin(struct compiler *c) {
  return (struct region){c->forget.count, c->temporary};
}

void region_end(struct compiler *c, struct region region, bool keep) {
  while (c->forget.count > region.forget)
    c->forget.data[--c->forget.count]->slot = SLOT_NONE;
  if (!keep)
    c->temporary = region.temporary;
}

enum adze_status memory_number(struct compiler *c, const struct buffer *buffer,
                               int32_t *out) {
  uintptr_t number = (uintptr_t)map_get_key(&c->memories, buffer->id);
  if (number == 0)
    return fail(c->error, ADZE_INTERNAL,
                "function %s: buffer %s is used but not declared",
                c->function->name, buffer->name);
  *out = (int32_t)number - 1;
  return ADZE_OK;
}

/* As compile_expr, for an expression as the function holds it. */
static enum adze_status compile_value(struct compiler *c, const struct expr *e,
                                      uint32_t *slot) {
  return compile_expr(c, expand_math(c->pool, e, false), slot);
}

/* ---- Stores and sets ---------------------------------------------------- */

static uint16_t store_opcode(enum adze_dtype dtype, uint16_t offset_lanes,
                             uint16_t lanes) {
  if (offset_lanes > 1)
    return OP_SCATTER;
  if (lanes > 1)
    return OP_STORE_LANES;
  size_t bytes = value_bytes(dtype);
  return bytes == 8 ? OP_STORE_64 : bytes == 4 ? OP_STORE_32 : OP_STORE_OTHER;
}

static enum adze_status emit_store(struct compiler *c,
                                   const struct buffer *buffer, uint32_t offset,
                                   uint16_t offset_lanes, uint32_t value,
                                   uint16_t lanes) {
  int32_t memory;
  TRY(memory_number(c, buffer, &memory));
  emit(c, (struct instruction){
              .opcode = store_opcode(buffer->dtype, offset_lanes, lanes),
              .lanes = lanes,
              .a = offset,
              .b = value,
              .immediate = memory});
  return ADZE_OK;
}

static enum adze_status compile_store(struct compiler *c,
                                      const struct statement *s) {
  const struct expr *indices[LOOP_MAX_RANK];
  for (size_t i = 0; i < s->store.index_count; i++)
    indices[i] = expand_math(c->pool, s->store.indices[i], false);
  uint32_t offset, value;
  struct region region = region_begin(c);
  TRY(compile_value(c, s->store.value, &value));
  TRY(compile_offset(c, s->store.buffer, indices, s->store.index_count,
                     &offset));
  uint16_t offset_lanes = s->store.index_count == 1 ? indices[0]->lanes : 1;
  uint16_t lanes = s->store.value->lanes;
  if (offset_lanes > 1 && offset_lanes != lanes)
    return fail(c->error, ADZE_INTERNAL,
                "function %s: a store to %s has %u offsets for %u values",
                c->function->name, s->store.buffer->name, offset_lanes, lanes);
  TRY(emit_store(c, s->store.buffer, offset, offset_lanes, value, lanes));
  region_end(c, region, false);
  return ADZE_OK;
}

static uint32_t slot_of_local(struct compiler *c, const struct local *local) {
  uintptr_t slot = (uintptr_t)map_get_key(&c->locals, local->id);
  if (slot == SLOT_NONE) {
    slot = slot_persistent(c, local->lanes);
    map_set_key(&c->locals, local->id, (void *)slot);
  }
  return (uint32_t)slot;
}

static enum adze_status compile_set(struct compiler *c,
                                    const struct statement *s) {
  const struct local *local = s->set.local;
  if (local->lanes != s->set.value->lanes)
    return fail(c->error, ADZE_INTERNAL,
                "function %s: local %s has %u lanes, its value %u",
                c->function->name, local->name, local->lanes,
                s->set.value->lanes);
  struct region region = region_begin(c);
  uint32_t value;
  c->last_slot = SLOT_NONE;
  TRY(compile_value(c, s->set.value, &value));
  uint32_t slot = slot_of_local(c, local);
  struct code *body = &c->levels[c->level].body;
  if (c->last_slot != SLOT_NONE && c->last_slot == value)
    body->data[body->count - 1].dst = slot;
  else
    emit(c, (struct instruction){
                .opcode = local->lanes > 1 ? OP_VECTOR + OP_MOVE : OP_MOVE,
                .lanes = local->lanes,
                .dst = slot,
                .a = value});
  region_end(c, region, false);
  return ADZE_OK;
}

/* ---- Loops and branches ------------------------------------------------- */

static enum adze_status compile_list(struct compiler *c,
                                     const struct statement *list);

static void bind(struct compiler *c, const struct variable *variable,
                 uint32_t slot, int32_t level) {
  struct binding *binding = map_get_key(&c->variables, variable->id);
  if (binding == NULL) {
    binding = ARENA_NEW(c->arena, struct binding);
    map_set_key(&c->variables, variable->id, binding);
  }
  *binding = (struct binding){slot, level};
}

static void append_code(struct compiler *c, struct code *to,
                        const struct code *from) {
  for (size_t i = 0; i < from->count; i++)
    vec_push(c->arena, to, from->data[i]);
}

/* Puts the innermost loop's code behind the LOOP at `from`. */
static void close_level(struct compiler *c, size_t from, uint32_t variable) {
  struct level *level = &c->levels[c->level--];
  struct code *outer = &c->levels[c->level].body;
  append_code(c, outer, &level->prologue);
  append_code(c, outer, &level->body);
  int32_t back = -(int32_t)(level->prologue.count + level->body.count);
  emit(c, (struct instruction){
              .opcode = OP_NEXT, .dst = variable, .immediate = back});
  patch_jump(c, from);
  for (size_t i = 0; i < level->forget.count; i++) {
    level->forget.data[i]->slot = SLOT_NONE;
    level->forget.data[i]->level = LEVEL_UNKNOWN;
  }
}

static enum adze_status compile_loop(struct compiler *c,
                                     const struct statement *s) {
  struct region region = region_begin(c);
  uint32_t minimum, extent;
  TRY(compile_value(c, s->loop.minimum, &minimum));
  TRY(compile_value(c, s->loop.extent, &extent));
  uint32_t variable = slot_persistent(c, 2); /* and the rounds left */
  size_t from = emit(
      c, (struct instruction){
             .opcode = OP_LOOP, .dst = variable, .a = minimum, .b = extent});
  region_end(c, region, false);
  if (c->level + 1 == LEVEL_LIMIT)
    return fail(c->error, ADZE_LIMIT,
                "function %s: more than %d loops in each other",
                c->function->name, LEVEL_LIMIT - 1);
  c->levels[++c->level] = (struct level){0};
  bind(c, s->loop.variable, variable, c->level);
  TRY(compile_list(c, s->loop.body));
  close_level(c, from, variable);
  bind(c, s->loop.variable, SLOT_NONE, 0);
  return ADZE_OK;
}

static enum adze_status compile_branch(struct compiler *c,
                                       const struct statement *s) {
  struct region region = region_begin(c);
  uint32_t condition;
  TRY(compile_value(c, s->branch.condition, &condition));
  size_t to_else =
      emit(c, (struct instruction){.opcode = OP_JUMP_UNLESS, .a = condition});
  region_end(c, region, false);
  TRY(compile_list(c, s->branch.then_body));
  size_t to_end = 0;
  if (s->branch.else_body != NULL)
    to_end = emit(c, (struct instruction){.opcode = OP_JUMP});
  patch_jump(c, to_else);
  TRY(compile_list(c, s->branch.else_body));
  if (s->branch.else_body != NULL)
    patch_jump(c, to_end);
  return ADZE_OK;
}

/* ---- Blocks ------------------------------------------------------------- */

/* A block's expressions with its bindings put in for axes and reductions. */
struct block {
  const struct stage *stage;
  const struct expr *indices[LOOP_MAX_RANK];
  const struct expr *initial, *body;
};

static void bind_block(struct compiler *c, const struct statement *s,
                       struct block *out) {
  const struct stage *stage = s->block.stage;
  struct substitution pairs[2 * LOOP_MAX_RANK];
  size_t count = 0;
  out->stage = stage;
  for (size_t i = 0; i < stage->axis_count; i++) {
    out->indices[i] = expand_math(c->pool, s->block.axes[i], false);
    pairs[count++] = (struct substitution){stage->axes[i], out->indices[i]};
  }
  for (size_t i = 0; i < stage->reduction_count; i++)
    pairs[count++] = (struct substitution){
        stage->reductions[i],
        expand_math(c->pool, s->block.reductions[i], false)};
  out->body = expr_substitute(c->pool, expand_math(c->pool, stage->body, false),
                              pairs, count);
  out->initial = NULL;
  if (stage->reduce != REDUCE_NONE)
    out->initial = expr_substitute(
        c->pool, expand_math(c->pool, stage->initial, false), pairs, count);
}

static enum adze_status store_block(struct compiler *c,
                                    const struct block *block,
                                    const struct expr *value) {
  struct region region = region_begin(c);
  struct buffer *output = block->stage->output;
  uint32_t offset, slot;
  TRY(compile_expr(c, value, &slot));
  TRY(compile_offset(c, output, block->indices, block->stage->axis_count,
                     &offset));
  TRY(emit_store(c, output, offset, 1, slot, 1));
  region_end(c, region, false);
  return ADZE_OK;
}

/* output = initial where all reductions are at their first step. */
static enum adze_status initialise_block(struct compiler *c,
                                         const struct block *block,
                                         const struct statement *s) {
  const struct expr *zero = expr_index(c->pool, 0);
  const struct expr *first = expr_bool(c->pool, true);
  for (size_t i = 0; i < block->stage->reduction_count; i++)
    first = expr_and(c->pool, first,
                     expr_equal(c->pool, s->block.reductions[i], zero));
  uint32_t slot;
  struct region region = region_begin(c);
  TRY(compile_value(c, first, &slot));
  size_t jump =
      emit(c, (struct instruction){.opcode = OP_JUMP_UNLESS, .a = slot});
  region_end(c, region, false);
  TRY(store_block(c, block, block->initial));
  patch_jump(c, jump);
  return ADZE_OK;
}

static enum adze_status compile_parts(struct compiler *c,
                                      const struct statement *s) {
  struct block block;
  bind_block(c, s, &block);
  enum block_part part = s->block.part;
  if (block.stage->reduce == REDUCE_NONE)
    return part == BLOCK_INITIAL ? ADZE_OK : store_block(c, &block, block.body);
  if (part == BLOCK_INITIAL)
    return store_block(c, &block, block.initial);
  if (part == BLOCK_WHOLE)
    TRY(initialise_block(c, &block, s));
  const struct expr *accumulator = expr_load(
      c->pool, block.stage->output, block.indices, block.stage->axis_count);
  return store_block(
      c, &block,
      reduce_combine(c->pool, block.stage->reduce, accumulator, block.body));
}

static enum adze_status compile_block(struct compiler *c,
                                      const struct statement *s) {
  if (s->block.predicate == NULL)
    return compile_parts(c, s);
  uint32_t condition;
  struct region region = region_begin(c);
  TRY(compile_value(c, s->block.predicate, &condition));
  size_t jump =
      emit(c, (struct instruction){.opcode = OP_JUMP_UNLESS, .a = condition});
  region_end(c, region, false);
  TRY(compile_parts(c, s));
  patch_jump(c, jump);
  return ADZE_OK;
}

static enum adze_status compile_list(struct compiler *c,
                                     const struct statement *list) {
  for (const struct statement *s = list; s != NULL; s = s->next) {
    switch (s->kind) {
    case STATEMENT_FOR:
      TRY(compile_loop(c, s));
      break;
    case STATEMENT_IF:
      TRY(compile_branch(c, s));
      break;
    case STATEMENT_BLOCK:
      TRY(compile_block(c, s));
      break;
    case STATEMENT_STORE:
      TRY(compile_store(c, s));
      break;
    case STATEMENT_SET:
      TRY(compile_set(c, s));
      break;
    case STATEMENT_PREFETCH:
      break;
    case STATEMENT_BARRIER:
      emit(c, (struct instruction){.opcode = OP_BARRIER});
      break;
    }
  }
  return ADZE_OK;
}

/* ---- Programs ----------------------------------------------------------- */

static uint32_t final_slot(const struct compiler *c, uint32_t slot) {
  if ((slot & SLOT_TEMPORARY) == 0)
    return slot;
  return c->persistent + (slot & ~SLOT_TEMPORARY);
}

static const struct program *finish(struct compiler *c,
                                    struct program *program) {
  struct code all = {0};
  append_code(c, &all, &c->levels[0].prologue);
  append_code(c, &all, &c->levels[0].body);
  vec_push(c->arena, &all, (struct instruction){.opcode = OP_END});
  for (size_t i = 0; i < all.count; i++) {
    struct instruction *instruction = &all.data[i];
    instruction->dst = final_slot(c, instruction->dst);
    instruction->a = final_slot(c, instruction->a);
    instruction->b = final_slot(c, instruction->b);
    instruction->c = final_slot(c, instruction->c);
  }
  program->code = all.data;
  program->code_count = all.count;
  program->slot_count = (size_t)c->persistent + c->temporary_most;
  program->constants = c->constants.data;
  program->constant_count = c->constants.count;
  program->result_slot = (uint32_t)(uintptr_t)map_get_key(&c->locals, 0);
  return program;
}

static uint32_t bind_input(struct compiler *c,
                           const struct variable *variable) {
  if (variable == NULL)
    return SLOT_NONE;
  uint32_t slot = slot_persistent(c, 1);
  bind(c, variable, slot, 0);
  return slot;
}

static void declare_memories(struct compiler *c, struct program *program) {
  const struct function *function = c->function;
  size_t count = function->parameters.count + function->buffers.count;
  struct buffer **list = ARENA_ARRAY(c->arena, struct buffer *, count);
  for (size_t i = 0; i < count; i++) {
    list[i] = i < function->parameters.count
                  ? function->parameters.data[i]
                  : function->buffers.data[i - function->parameters.count];
    map_set_key(&c->memories, list[i]->id, (void *)(uintptr_t)(i + 1));
  }
  program->memories = list;
  program->memory_count = count;
}

enum adze_status program_compile(struct arena *arena,
                                 const struct function *function,
                                 const struct element_stages *calls,
                                 const struct program **out,
                                 struct adze_error *error) {
  struct compiler *c = ARENA_NEW(arena, struct compiler);
  struct program *program = ARENA_NEW(arena, struct program);
  c->pool = function->pool;
  c->arena = arena;
  c->function = function;
  c->calls = calls;
  c->error = error;
  c->persistent = 1; /* slot 0 stands for none */
  map_init(&c->nodes, arena);
  map_init(&c->variables, arena);
  map_init(&c->memories, arena);
  map_init(&c->locals, arena);
  declare_memories(c, program);
  uint32_t *slots = ARENA_ARRAY(arena, uint32_t, function->scalars.count);
  for (size_t i = 0; i < function->scalars.count; i++)
    slots[i] = bind_input(c, function->scalars.data[i]);
  program->scalar_slots = slots;
  program->worker_slot = bind_input(c, function->worker);
  program->workers_slot = bind_input(c, function->workers);
  TRY(compile_list(c, function->body));
  *out = finish(c, program);
  return ADZE_OK;
}
