/* SPDX-License-Identifier: Apache-2.0 */
/* Which values exist already, and where they may be used.
 *
 * An expression without loads and locals is made once, before the outermost
 * loop that it doesn't depend on, and kept until that loop ends. Others are
 * made where they stand and kept until the construct ends, or until a local or
 * buffer they read changes: each change has a time, and a value is stale when
 * one of its locals or buffers changed later. So the walk itself does what
 * loop-invariant motion and common-subexpression passes would do later at a
 * much higher price.
 *
 * Levels depend on how deep variables are bound; when one is bound at another
 * depth than before, `epoch` makes all levels be computed anew.
 */
#include "target/llvm/emitter.h"

/* ---- The table ----------------------------------------------------------- */

static size_t node_slot(const struct emitter *emitter, const void *a,
                        const void *b, int64_t factor) {
  uint64_t hash = hash_mix((uint64_t)(uintptr_t)a, (uint64_t)(uintptr_t)b);
  return hash_mix(hash, (uint64_t)factor) & (emitter->node_capacity - 1);
}

static void node_grow(struct emitter *emitter) {
  struct node **old = emitter->nodes;
  size_t old_capacity = emitter->node_capacity;
  emitter->node_capacity = old_capacity == 0 ? 256 : old_capacity * 4;
  emitter->nodes =
      ARENA_ARRAY(emitter->arena, struct node *, emitter->node_capacity);
  for (size_t i = 0; i < old_capacity; i++)
    for (struct node *node = old[i], *next; node != NULL; node = next) {
      next = node->next;
      size_t slot =
          node_slot(emitter, node->key[0], node->key[1], node->factor);
      node->next = emitter->nodes[slot];
      emitter->nodes[slot] = node;
    }
}

static struct node *node_find(struct emitter *emitter, const void *a,
                              const void *b, int64_t factor) {
  if (emitter->node_count >= emitter->node_capacity)
    node_grow(emitter);
  size_t slot = node_slot(emitter, a, b, factor);
  for (struct node *node = emitter->nodes[slot]; node != NULL;
       node = node->next)
    if (node->key[0] == a && node->key[1] == b && node->factor == factor)
      return node;
  struct node *node = ARENA_NEW(emitter->arena, struct node);
  node->key[0] = a;
  node->key[1] = b;
  node->factor = factor;
  node->next = emitter->nodes[slot];
  emitter->nodes[slot] = node;
  emitter->node_count++;
  return node;
}

static void node_analyse(struct emitter *emitter, struct node *node,
                         const struct expr *e) {
  node->level = 0;
  node->local_mask = node->buffer_mask = 0;
  if (e->kind == EXPR_VARIABLE)
    node->level = emitter_variable(emitter, e->variable)->level;
  else if (e->kind == EXPR_LOCAL)
    node->local_mask = (uint64_t)1 << (e->local->id % 64);
  else if (e->kind == EXPR_LOAD)
    node->buffer_mask = (uint64_t)1
                        << (emitter_buffer_index(emitter, e->buffer) % 64);
  for (size_t i = 0; i < e->arg_count; i++) {
    const struct node *argument = emitter_node(emitter, e->args[i]);
    if (argument->level > node->level)
      node->level = argument->level;
    node->local_mask |= argument->local_mask;
    node->buffer_mask |= argument->buffer_mask;
  }
}

struct node *emitter_node(struct emitter *emitter, const struct expr *e) {
  struct node *node = node_find(emitter, e, NULL, 0);
  if (node->epoch != emitter->epoch) {
    node_analyse(emitter, node, e);
    node->epoch = emitter->epoch;
  }
  return node;
}

struct node *emitter_address_node(struct emitter *emitter, LLVMValueRef a,
                                  LLVMValueRef b, int64_t factor,
                                  uint32_t level) {
  struct node *node = node_find(emitter, a, b, factor);
  node->level = level;
  return node;
}

/* ---- Values -------------------------------------------------------------- */

static bool changed_since(uint64_t mask, const uint64_t clocks[64],
                          uint64_t stamp) {
  for (; mask != 0; mask &= mask - 1)
    if (clocks[__builtin_ctzll(mask)] > stamp)
      return true;
  return false;
}

LLVMValueRef emitter_value(const struct emitter *emitter,
                           const struct node *node) {
  if (node->value == NULL ||
      changed_since(node->local_mask, emitter->local_clocks, node->stamp) ||
      changed_since(node->buffer_mask, emitter->buffer_clocks, node->stamp))
    return NULL;
  return node->value;
}

void emitter_keep(struct emitter *emitter, struct node *node, uint32_t level,
                  uint32_t guard_depth, LLVMValueRef value) {
  struct scope *scope = emitter->scope;
  if (level < emitter->depth)
    scope = emitter->loops[level + 1];
  for (uint32_t i = emitter->guard_depth; i > guard_depth; i--)
    if (scope->kind == SCOPE_GUARD)
      scope = scope->parent;
  struct trail_entry entry = {node, node->value, node->stamp,
                              node->guard_depth};
  vec_push(emitter->arena, &scope->trail, entry);
  node->value = value;
  node->stamp = emitter->clock;
  node->guard_depth = guard_depth;
}

/* How many of the conditions in force the value depends on: those around the
 * loads below it. A select is right wherever it stands itself. */
static uint32_t guard_depth_of(struct emitter *emitter, const struct expr *e) {
  uint32_t depth = 0;
  if (e->kind == EXPR_LOAD)
    return emitter->guard_depth;
  for (size_t i = 0; i < e->arg_count; i++) {
    const struct node *argument = emitter_node(emitter, e->args[i]);
    if (argument->buffer_mask != 0 && argument->guard_depth > depth)
      depth = argument->guard_depth;
  }
  return depth < emitter->guard_depth ? depth : emitter->guard_depth;
}

void emitter_keep_expr(struct emitter *emitter, const struct expr *e,
                       uint32_t level, LLVMValueRef value) {
  emitter_keep(emitter, emitter_node(emitter, e), level,
               guard_depth_of(emitter, e), value);
}

void emitter_enter(struct emitter *emitter, struct scope *scope,
                   enum scope_kind kind) {
  scope->kind = kind;
  scope->parent = emitter->scope;
  emitter->scope = scope;
}

void emitter_leave(struct emitter *emitter) {
  struct scope *scope = emitter->scope;
  for (size_t i = scope->trail.count; i-- > 0;) {
    struct trail_entry entry = scope->trail.data[i];
    entry.node->value = entry.value;
    entry.node->stamp = entry.stamp;
    entry.node->guard_depth = entry.guard_depth;
  }
  emitter->scope = scope->parent;
}

void emitter_local_changed(struct emitter *emitter, const struct local *local) {
  emitter->local_clocks[local->id % 64] = ++emitter->clock;
}

/* Memory that may be another's changes with it. */
void emitter_buffer_changed(struct emitter *emitter,
                            const struct buffer *buffer) {
  size_t index = emitter_buffer_index(emitter, buffer);
  emitter->buffer_clocks[index % 64] = ++emitter->clock;
  if (!emitter->buffers.data[index].may_alias)
    return;
  for (size_t i = 0; i < emitter->buffers.count; i++)
    if (emitter->buffers.data[i].may_alias)
      emitter->buffer_clocks[i % 64] = emitter->clock;
}

/* ---- Variables and buffers ----------------------------------------------- */

size_t emitter_buffer_index(const struct emitter *emitter,
                            const struct buffer *buffer) {
  for (size_t i = 0; i < emitter->buffers.count; i++)
    if (emitter->buffers.data[i].buffer == buffer)
      return i;
  unreachable();
}

const struct binding_of_variable *
emitter_variable(const struct emitter *emitter,
                 const struct variable *variable) {
  for (size_t i = emitter->variables.count; i-- > 0;)
    if (emitter->variables.data[i].variable == variable)
      return &emitter->variables.data[i];
  unreachable();
}

void emitter_bind(struct emitter *emitter, const struct variable *variable,
                  LLVMValueRef value, uint32_t level) {
  struct binding_of_variable binding = {variable, value, level};
  vec_push(emitter->arena, &emitter->variables, binding);
  /* Values are depths plus one, kept as pointers. */
  char *kept = map_get_key(emitter->variable_levels, variable->id);
  char *now = (char *)NULL + level + 1;
  if (kept != NULL && kept != now)
    emitter->epoch++;
  if (kept != now)
    (void)map_set_key(emitter->variable_levels, variable->id, now);
}

/* ---- Places -------------------------------------------------------------- */

static void emitter_position(struct emitter *emitter, struct place place) {
  emitter->block = place.block;
  emitter->insert_before = place.before;
  if (place.before != NULL)
    LLVMPositionBuilderBefore(emitter->builder, place.before);
  else
    LLVMPositionBuilderAtEnd(emitter->builder, place.block);
}

void emitter_at_end(struct emitter *emitter, LLVMBasicBlockRef block) {
  emitter_position(emitter, (struct place){block, NULL});
}

struct place emitter_hoist(struct emitter *emitter, uint32_t level) {
  struct place here = {emitter->block, emitter->insert_before};
  check(level < emitter->depth);
  LLVMBasicBlockRef block = emitter->loops[level + 1]->preheader;
  emitter_position(emitter,
                   (struct place){block, LLVMGetBasicBlockTerminator(block)});
  return here;
}

void emitter_return(struct emitter *emitter, struct place place) {
  emitter_position(emitter, place);
}
