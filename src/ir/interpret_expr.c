/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles expressions into the interpreter's instructions.
 *
 * First every node's level is found: the innermost open loop whose variable it
 * depends on. A node that loads nothing is computed in the prologue of that
 * loop and stays known while the loop is open. A node that loads (or reads a
 * local) is computed where it stands and known to the end of its region.
 */
#include "ir/interpret_compile.h"

#define DEPTH_LIMIT 1000 /* loads in indices, loads under selects */

/* ---- Levels ------------------------------------------------------------- */

struct node_info *node_info_of(struct compiler *c, const struct expr *e) {
  struct node_info *info = map_get_key(&c->nodes, e->id);
  if (info == NULL) {
    info = ARENA_NEW(c->arena, struct node_info);
    info->level = LEVEL_UNKNOWN;
    map_set_key(&c->nodes, e->id, info);
  }
  return info;
}

static enum adze_status level_of_leaf(struct compiler *c, const struct expr *e,
                                      struct node_info *info) {
  if (e->kind == EXPR_LOCAL || e->kind == EXPR_LOAD) {
    info->level = LEVEL_HERE;
  } else if (e->kind == EXPR_VARIABLE) {
    const struct binding *binding = map_get_key(&c->variables, e->variable->id);
    if (binding == NULL || binding->slot == SLOT_NONE)
      return fail(c->error, ADZE_INTERNAL,
                  "function %s: variable %s is used outside its loop",
                  c->function->name, e->variable->name);
    info->level = binding->level;
  } else {
    info->level = 0;
  }
  return ADZE_OK;
}

static enum adze_status level_of_node(struct compiler *c, const struct expr *e,
                                      struct node_info *info) {
  TRY(level_of_leaf(c, e, info));
  info->has_load = e->kind == EXPR_LOAD;
  for (size_t i = 0; i < e->arg_count; i++) {
    const struct node_info *arg = node_info_of(c, e->args[i]);
    info->has_load |= arg->has_load;
    if (arg->level > info->level)
      info->level = arg->level;
  }
  if (info->level != LEVEL_HERE)
    vec_push(c->arena, &c->levels[info->level].forget, info);
  return ADZE_OK;
}

struct node_stack {
  const struct expr **data;
  size_t count, capacity;
};

/* Finds the level of e and of all below it. */
enum adze_status node_analyze(struct compiler *c, const struct expr *e) {
  struct node_stack stack = {0};
  vec_push(c->arena, &stack, e);
  while (stack.count != 0) {
    const struct expr *node = stack.data[stack.count - 1];
    struct node_info *info = node_info_of(c, node);
    size_t before = stack.count;
    if (info->level == LEVEL_UNKNOWN)
      for (size_t i = node->arg_count; i-- > 0;)
        if (node_info_of(c, node->args[i])->level == LEVEL_UNKNOWN)
          vec_push(c->arena, &stack, node->args[i]);
    if (stack.count != before)
      continue;
    if (info->level == LEVEL_UNKNOWN)
      TRY(level_of_node(c, node, info));
    stack.count--;
  }
  return ADZE_OK;
}

/* ---- Emitting ----------------------------------------------------------- */

static uint32_t slot_for(struct compiler *c, const struct node_info *info,
                         uint16_t lanes) {
  return info->level == LEVEL_HERE ? slot_temporary(c, lanes)
                                   : slot_persistent(c, lanes);
}

static void emit_for(struct compiler *c, const struct node_info *info,
                     struct instruction instruction) {
  if (info->level == LEVEL_HERE)
    emit(c, instruction);
  else
    vec_push(c->arena, &c->levels[info->level].prologue, instruction);
}

void node_set_slot(struct compiler *c, struct node_info *info, uint32_t slot) {
  info->slot = slot;
  if (info->level == LEVEL_HERE)
    vec_push(c->arena, &c->forget, info);
}

/* The operand's slot, as a vector where the node is one. */
static uint32_t operand(struct compiler *c, const struct node_info *info,
                        const struct expr *arg, uint16_t lanes) {
  uint32_t slot = node_info_of(c, arg)->slot;
  if (arg->lanes == lanes)
    return slot;
  uint32_t wide = slot_for(c, info, lanes);
  emit_for(c, info,
           (struct instruction){
               .opcode = OP_BROADCAST, .lanes = lanes, .dst = wide, .a = slot});
  return wide;
}

/* The product below a 64-bit sum that can be computed together with it. */
static const struct expr *fused_product(struct compiler *c,
                                        const struct expr *e) {
  if (e->kind != EXPR_ADD || e->lanes != 1 || e->dtype != ADZE_I64 ||
      e->args[0] == e->args[1])
    return NULL;
  int32_t level = node_info_of(c, e)->level;
  for (size_t i = 0; i < 2; i++) {
    const struct node_info *info = node_info_of(c, e->args[i]);
    if (e->args[i]->kind == EXPR_MUL && info->slot == SLOT_NONE &&
        info->level == level)
      return e->args[i];
  }
  return NULL;
}

static void emit_fused(struct compiler *c, const struct expr *e,
                       const struct expr *product, struct node_info *info) {
  const struct expr *other = e->args[product == e->args[0]];
  struct instruction instruction = {
      .opcode = OP_MUL_ADD_I,
      .lanes = 1,
      .a = node_info_of(c, product->args[0])->slot,
      .b = node_info_of(c, product->args[1])->slot,
      .c = node_info_of(c, other)->slot,
      .dst = slot_for(c, info, 1)};
  emit_for(c, info, instruction);
  node_set_slot(c, info, instruction.dst);
}

static void emit_steps(struct compiler *c, const struct expr *e,
                       struct node_info *info, const struct opcode_step *steps,
                       size_t count) {
  uint32_t args[3] = {0};
  check(e->arg_count <= ARRAY_COUNT(args));
  for (size_t i = 0; i < e->arg_count; i++)
    args[i] = operand(c, info, e->args[i], e->lanes);
  uint32_t dst = slot_for(c, info, e->lanes);
  for (size_t i = 0; i < count; i++) {
    struct instruction instruction = {
        .opcode = (uint16_t)(steps[i].opcode + (e->lanes > 1 ? OP_VECTOR : 0)),
        .lanes = e->lanes,
        .dst = dst,
        .a = i == 0 ? args[0] : dst,
        .b = i == 0 ? args[1] : SLOT_NONE,
        .c = i == 0 ? args[2] : SLOT_NONE,
        .immediate = steps[i].immediate};
    emit_for(c, info, instruction);
  }
  /* With one step the result can be written to another place at once. */
  if (info->level == LEVEL_HERE && count == 1)
    c->last_slot = dst;
  node_set_slot(c, info, dst);
}

static void emit_constant(struct compiler *c, const struct expr *e,
                          struct node_info *info) {
  struct program_constant constant = {slot_persistent(c, 1),
                                      value_of_constant(e)};
  vec_push(c->arena, &c->constants, constant);
  node_set_slot(c, info, constant.slot);
}

/* Base and stride of a ramp narrower than 64 bits wrap lane by lane. */
static void emit_ramp(struct compiler *c, const struct expr *e,
                      struct node_info *info) {
  uint32_t dst = slot_for(c, info, e->lanes);
  bool is_ramp = e->kind == EXPR_RAMP;
  struct instruction instruction = {
      .opcode = is_ramp ? OP_RAMP : OP_BROADCAST,
      .lanes = e->lanes,
      .dst = dst,
      .a = node_info_of(c, e->args[0])->slot,
      .b = is_ramp ? node_info_of(c, e->args[1])->slot : SLOT_NONE,
      .immediate = (int32_t)e->dtype};
  emit_for(c, info, instruction);
  node_set_slot(c, info, dst);
}

/* ---- Selects that guard loads ------------------------------------------- */

static bool loads(struct compiler *c, const struct expr *e) {
  const struct node_info *info = node_info_of(c, e);
  return info->has_load && info->slot == SLOT_NONE;
}

static bool guards_loads(struct compiler *c, const struct expr *e) {
  return e->kind == EXPR_SELECT &&
         (loads(c, e->args[1]) || loads(c, e->args[2]));
}

/* Nodes that computing e always computes: marks them, or computes those that
 * carry the mark already. Without this a node below both arms would be
 * compiled twice, and a chain of selects would double its code at each. */
static enum adze_status always_needed(struct compiler *c, const struct expr *e,
                                      uint32_t mark, bool compute) {
  struct node_stack stack = {0};
  vec_push(c->arena, &stack, e);
  uint32_t own = compute ? mark + 1 : mark;
  while (stack.count != 0) {
    const struct expr *node = stack.data[--stack.count];
    struct node_info *info = node_info_of(c, node);
    if (!loads(c, node) || info->mark == own)
      continue;
    if (compute && info->mark == mark) {
      uint32_t slot;
      TRY(compile_expr(c, node, &slot));
      continue;
    }
    info->mark = own;
    size_t count = guards_loads(c, node) ? 1 : node->arg_count;
    for (size_t i = 0; i < count; i++)
      vec_push(c->arena, &stack, node->args[i]);
  }
  return ADZE_OK;
}

static enum adze_status compile_arm(struct compiler *c, const struct expr *e,
                                    uint32_t dst) {
  struct region region = region_begin(c);
  uint32_t slot;
  TRY(compile_expr(c, e, &slot));
  emit(c, (struct instruction){.opcode =
                                   e->lanes > 1 ? OP_VECTOR + OP_MOVE : OP_MOVE,
                               .lanes = e->lanes,
                               .dst = dst,
                               .a = slot});
  region_end(c, region, false);
  return ADZE_OK;
}

static enum adze_status compile_jumps(struct compiler *c, const struct expr *e,
                                      struct node_info *info,
                                      uint32_t condition) {
  uint32_t dst = slot_temporary(c, e->lanes);
  size_t to_else =
      emit(c, (struct instruction){
                  .opcode = OP_JUMP_UNLESS, .lanes = 1, .a = condition});
  TRY(compile_arm(c, e->args[1], dst));
  size_t to_end = emit(c, (struct instruction){.opcode = OP_JUMP, .lanes = 1});
  patch_jump(c, to_else);
  TRY(compile_arm(c, e->args[2], dst));
  patch_jump(c, to_end);
  c->last_slot = SLOT_NONE; /* both arms write it */
  node_set_slot(c, info, dst);
  return ADZE_OK;
}

/* One arm of a select by lanes: loads of the other arm's lanes are left out. */
static enum adze_status compile_masked(struct compiler *c,
                                       const struct expr *condition,
                                       bool is_else, const struct expr *arm,
                                       uint32_t *slot) {
  uint32_t outer = c->mask, mask = node_info_of(c, condition)->slot;
  uint16_t outer_lanes = c->mask_lanes, lanes = condition->lanes;
  check(outer == SLOT_NONE || outer_lanes == lanes);
  struct instruction instruction = {.lanes = lanes};
  if (is_else) {
    instruction.opcode = OP_VECTOR + OP_NOT_BOOL;
    instruction.a = mask;
    instruction.dst = mask = slot_temporary(c, lanes);
    emit(c, instruction);
  }
  if (outer != SLOT_NONE) {
    instruction.opcode = OP_VECTOR + OP_AND_I;
    instruction.a = outer;
    instruction.b = mask;
    instruction.dst = mask = slot_temporary(c, lanes);
    emit(c, instruction);
  }
  c->mask = mask;
  c->mask_lanes = lanes;
  struct region region = region_begin(c);
  enum adze_status status = compile_expr(c, arm, slot);
  region_end(c, region, true);
  c->mask = outer;
  c->mask_lanes = outer_lanes;
  return status;
}

static enum adze_status compile_guard(struct compiler *c, const struct expr *e,
                                      struct node_info *info) {
  uint32_t condition, yes, no;
  TRY(compile_expr(c, e->args[0], &condition));
  uint32_t mark = c->mark += 2;
  TRY(always_needed(c, e->args[1], mark, false));
  TRY(always_needed(c, e->args[2], mark, true));
  if (e->args[0]->lanes == 1)
    return compile_jumps(c, e, info, condition);
  TRY(compile_masked(c, e->args[0], false, e->args[1], &yes));
  TRY(compile_masked(c, e->args[0], true, e->args[2], &no));
  uint32_t dst = slot_temporary(c, e->lanes);
  emit(c, (struct instruction){.opcode = OP_VECTOR + OP_SELECT,
                               .lanes = e->lanes,
                               .dst = dst,
                               .a = condition,
                               .b = yes,
                               .c = no});
  node_set_slot(c, info, dst);
  return ADZE_OK;
}

/* ---- Nodes -------------------------------------------------------------- */

static enum adze_status compile_leaf(struct compiler *c, const struct expr *e,
                                     struct node_info *info) {
  if (e->kind == EXPR_VARIABLE) {
    const struct binding *binding = map_get_key(&c->variables, e->variable->id);
    node_set_slot(c, info, binding->slot);
  } else if (e->kind == EXPR_LOCAL) {
    uintptr_t slot = (uintptr_t)map_get_key(&c->locals, e->local->id);
    if (slot == SLOT_NONE)
      return fail(c->error, ADZE_INTERNAL,
                  "function %s: local %s is read before it is set",
                  c->function->name, e->local->name);
    node_set_slot(c, info, (uint32_t)slot);
  } else {
    emit_constant(c, e, info);
  }
  return ADZE_OK;
}

/* The arguments are computed. */
static enum adze_status compile_node(struct compiler *c, const struct expr *e,
                                     struct node_info *info) {
  if (e->arg_count == 0)
    return compile_leaf(c, e, info);
  if (e->kind == EXPR_RAMP || e->kind == EXPR_BROADCAST) {
    emit_ramp(c, e, info);
    return ADZE_OK;
  }
  const struct expr *product = fused_product(c, e);
  if (product != NULL) {
    emit_fused(c, e, product, info);
    return ADZE_OK;
  }
  struct opcode_step steps[OPCODE_STEPS];
  size_t count = opcode_steps(e, steps);
  if (count == 0)
    return fail(c->error, ADZE_INTERNAL, "function %s: no interpretation of %s",
                c->function->name, expr_kind_name(e->kind));
  emit_steps(c, e, info, steps, count);
  return ADZE_OK;
}

/* Pushes what e needs and is not computed yet. */
static void push_needs(struct compiler *c, struct node_stack *stack,
                       const struct expr *e) {
  const struct expr *product = fused_product(c, e);
  for (size_t i = e->arg_count; i-- > 0;) {
    const struct expr *arg = e->args[i];
    if (arg != product) {
      if (node_info_of(c, arg)->slot == SLOT_NONE)
        vec_push(c->arena, stack, arg);
      continue;
    }
    for (size_t j = 0; j < arg->arg_count; j++)
      if (node_info_of(c, arg->args[j])->slot == SLOT_NONE)
        vec_push(c->arena, stack, arg->args[j]);
  }
}

static enum adze_status compile_walk(struct compiler *c, const struct expr *e) {
  struct node_stack stack = {0};
  vec_push(c->arena, &stack, e);
  while (stack.count != 0) {
    const struct expr *node = stack.data[stack.count - 1];
    struct node_info *info = node_info_of(c, node);
    if (info->slot != SLOT_NONE) {
      stack.count--;
      continue;
    }
    if (node->kind == EXPR_LOAD || guards_loads(c, node)) {
      TRY(node->kind == EXPR_LOAD ? compile_load(c, node, info)
                                  : compile_guard(c, node, info));
      continue;
    }
    size_t before = stack.count;
    push_needs(c, &stack, node);
    if (stack.count == before)
      TRY(compile_node(c, node, info));
  }
  return ADZE_OK;
}

enum adze_status compile_expr(struct compiler *c, const struct expr *e,
                              uint32_t *slot) {
  if (c->depth == DEPTH_LIMIT)
    return fail(c->error, ADZE_LIMIT,
                "function %s: loads and selects nest deeper than %d",
                c->function->name, DEPTH_LIMIT);
  c->depth++;
  enum adze_status status = node_analyze(c, e);
  if (status == ADZE_OK)
    status = compile_walk(c, e);
  c->depth--;
  if (status != ADZE_OK)
    return status;
  if (c->persistent >= SLOT_LIMIT || c->temporary >= SLOT_LIMIT)
    return fail(c->error, ADZE_LIMIT,
                "function %s: too large to be interpreted", c->function->name);
  *slot = node_info_of(c, e)->slot;
  return ADZE_OK;
}
