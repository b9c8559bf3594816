/* SPDX-License-Identifier: Apache-2.0 */
/* Loops, conditions, and locals as SSA values.
 *
 * A local is never memory: the table holds its value at the present place. A
 * loop makes a phi for each local that its body sets, a condition one after
 * both branches, so accumulators are registers by construction. Which locals a
 * body sets is known before it is walked; whether anyone reads them is not, so
 * phis that only feed phis are taken out again when the function is done.
 */
#include "target/llvm/emitter.h"

/* ---- What a list of statements changes ----------------------------------- */

struct changes {
  VEC(const struct local *) locals;
  bool *is_set; /* [local_count] */
};

static void collect_changes(struct emitter *emitter, struct changes *changes,
                            const struct statement *list) {
  for (const struct statement *s = list; s != NULL; s = s->next) {
    if (s->kind == STATEMENT_FOR) {
      collect_changes(emitter, changes, s->loop.body);
    } else if (s->kind == STATEMENT_IF) {
      collect_changes(emitter, changes, s->branch.then_body);
      collect_changes(emitter, changes, s->branch.else_body);
    } else if (s->kind == STATEMENT_STORE) {
      emitter_buffer_changed(emitter, s->store.buffer);
    } else if (s->kind == STATEMENT_SET && !changes->is_set[s->set.local->id]) {
      changes->is_set[s->set.local->id] = true;
      vec_push(emitter->arena, &changes->locals, s->set.local);
    }
  }
}

/* The locals that the list sets; what it stores counts as changed now. */
static struct changes changes_of(struct emitter *emitter,
                                 const struct statement *list) {
  struct changes changes = {0};
  changes.is_set =
      ARENA_ARRAY(emitter->arena, bool, emitter->function->local_count);
  collect_changes(emitter, &changes, list);
  return changes;
}

static void changes_apply(struct emitter *emitter,
                          const struct changes *changes) {
  for (size_t i = 0; i < changes->locals.count; i++)
    emitter_local_changed(emitter, changes->locals.data[i]);
}

static LLVMValueRef local_value(struct emitter *emitter,
                                const struct local *local) {
  LLVMValueRef value = emitter->locals[local->id];
  if (value == NULL)
    value = LLVMConstNull(emit_type(emitter, local->dtype, local->lanes));
  return value;
}

/* The values of the changed locals here. */
static LLVMValueRef *values_of(struct emitter *emitter,
                               const struct changes *changes) {
  LLVMValueRef *values =
      ARENA_ARRAY(emitter->arena, LLVMValueRef, changes->locals.count);
  for (size_t i = 0; i < changes->locals.count; i++)
    values[i] = local_value(emitter, changes->locals.data[i]);
  return values;
}

static void values_restore(struct emitter *emitter,
                           const struct changes *changes,
                           LLVMValueRef *values) {
  for (size_t i = 0; i < changes->locals.count; i++)
    emitter->locals[changes->locals.data[i]->id] = values[i];
}

/* A phi per changed local in the current block, with one way in so far. */
static LLVMValueRef *phis_begin(struct emitter *emitter,
                                const struct changes *changes,
                                LLVMValueRef *values, LLVMBasicBlockRef from) {
  LLVMValueRef *phis =
      ARENA_ARRAY(emitter->arena, LLVMValueRef, changes->locals.count);
  for (size_t i = 0; i < changes->locals.count; i++) {
    const struct local *local = changes->locals.data[i];
    phis[i] = LLVMBuildPhi(emitter->builder,
                           emit_type(emitter, local->dtype, local->lanes),
                           local->name);
    LLVMAddIncoming(phis[i], &values[i], &from, 1);
    vec_push(emitter->arena, &emitter->phis, phis[i]);
    emitter->locals[local->id] = phis[i];
  }
  return phis;
}

static void phis_add(const struct changes *changes, LLVMValueRef *phis,
                     LLVMValueRef *values, LLVMBasicBlockRef from) {
  for (size_t i = 0; i < changes->locals.count; i++)
    LLVMAddIncoming(phis[i], &values[i], &from, 1);
}

void emit_remove_dead_phis(struct emitter *emitter) {
  struct arena *arena = emitter->arena;
  VEC(LLVMValueRef) live = {0};
  struct map alive;
  map_init(&alive, arena);
  for (size_t i = 0; i < emitter->phis.count; i++)
    for (LLVMUseRef use = LLVMGetFirstUse(emitter->phis.data[i]); use != NULL;
         use = LLVMGetNextUse(use))
      if (LLVMIsAPHINode(LLVMGetUser(use)) == NULL) {
        vec_push(arena, &live, emitter->phis.data[i]);
        break;
      }
  while (live.count > 0) {
    LLVMValueRef phi = live.data[--live.count];
    uint64_t key = (uint64_t)(uintptr_t)phi;
    if (map_get_key(&alive, key) != NULL)
      continue;
    (void)map_set_key(&alive, key, phi);
    for (unsigned i = 0; i < LLVMCountIncoming(phi); i++) {
      LLVMValueRef value = LLVMGetIncomingValue(phi, i);
      if (LLVMIsAPHINode(value) != NULL)
        vec_push(arena, &live, value);
    }
  }
  for (size_t i = 0; i < emitter->phis.count; i++) {
    LLVMValueRef phi = emitter->phis.data[i];
    if (map_get_key(&alive, (uint64_t)(uintptr_t)phi) == NULL) {
      LLVMReplaceAllUsesWith(phi, LLVMGetPoison(LLVMTypeOf(phi)));
      LLVMInstructionEraseFromParent(phi);
    }
  }
}

/* ---- Loops --------------------------------------------------------------- */

static LLVMBasicBlockRef new_block(struct emitter *emitter, const char *name) {
  return LLVMAppendBasicBlockInContext(emitter->context, emitter->code, name);
}

/* A loop that runs once: its body with the variable bound. */
static void emit_once(struct emitter *emitter, const struct statement *s) {
  struct scope scope = {0};
  LLVMValueRef value = emit_expr(emitter, s->loop.minimum);
  emitter_enter(emitter, &scope, SCOPE_BRANCH);
  size_t outer = emitter->variables.count;
  emitter_bind(emitter, s->loop.variable, value, emitter->depth);
  emit_statements(emitter, s->loop.body);
  emitter->variables.count = outer;
  emitter_leave(emitter);
}

struct loop_blocks {
  LLVMBasicBlockRef before; /* where an empty loop leaves; NULL: never empty */
  LLVMBasicBlockRef preheader, body, exit;
};

static struct loop_blocks loop_enter(struct emitter *emitter,
                                     const struct statement *s,
                                     LLVMValueRef extent) {
  struct loop_blocks blocks = {.preheader = new_block(emitter, "before"),
                               .body =
                                   new_block(emitter, s->loop.variable->name),
                               .exit = new_block(emitter, "after")};
  if (LLVMIsAConstantInt(extent) != NULL) {
    LLVMBuildBr(emitter->builder, blocks.preheader);
  } else {
    LLVMValueRef some = LLVMBuildICmp(emitter->builder, LLVMIntSGT, extent,
                                      emit_index(emitter, 0), "");
    blocks.before = emitter->block;
    LLVMBuildCondBr(emitter->builder, some, blocks.preheader, blocks.exit);
  }
  emitter_at_end(emitter, blocks.preheader);
  LLVMBuildBr(emitter->builder, blocks.body);
  emitter_at_end(emitter, blocks.body);
  return blocks;
}

/* The body with phis; leaves the builder in the last block. `values` becomes
 * those at the end of an iteration. */
static LLVMValueRef *
loop_body(struct emitter *emitter, const struct statement *s,
          const struct loop_blocks *blocks, const struct changes *changes,
          LLVMValueRef *values, LLVMValueRef minimum, LLVMValueRef end) {
  LLVMBuilderRef builder = emitter->builder;
  struct scope scope = {.preheader = blocks->preheader};
  check(emitter->depth < EMITTER_MAX_LOOPS);
  emitter_enter(emitter, &scope, SCOPE_LOOP);
  emitter->loops[++emitter->depth] = &scope;
  size_t outer = emitter->variables.count;
  LLVMValueRef *phis = phis_begin(emitter, changes, values, blocks->preheader);
  LLVMValueRef index =
      LLVMBuildPhi(builder, LLVMTypeOf(minimum), s->loop.variable->name);
  emitter_bind(emitter, s->loop.variable, index, emitter->depth);
  emit_statements(emitter, s->loop.body);
  LLVMBasicBlockRef latch = emitter->block;
  LLVMValueRef next =
      LLVMBuildNSWAdd(builder, index, emit_index(emitter, 1), "");
  LLVMValueRef more = LLVMBuildICmp(builder, LLVMIntSLT, next, end, "");
  LLVMBuildCondBr(builder, more, blocks->body, blocks->exit);
  LLVMBasicBlockRef from[2] = {blocks->preheader, latch};
  LLVMAddIncoming(index, (LLVMValueRef[]){minimum, next}, from, 2);
  LLVMValueRef *last = values_of(emitter, changes);
  phis_add(changes, phis, last, latch);
  emitter->variables.count = outer;
  emitter->depth--;
  emitter_leave(emitter);
  return last;
}

static void emit_for(struct emitter *emitter, const struct statement *s) {
  check(s->loop.kind == LOOP_SERIAL);
  LLVMValueRef extent = emit_expr(emitter, s->loop.extent);
  if (LLVMIsAConstantInt(extent) != NULL) {
    int64_t known = LLVMConstIntGetSExtValue(extent);
    if (known == 1)
      emit_once(emitter, s);
    if (known <= 1)
      return;
  }
  LLVMValueRef minimum = emit_expr(emitter, s->loop.minimum);
  LLVMValueRef end = LLVMBuildAdd(emitter->builder, minimum, extent, "");
  struct changes changes = changes_of(emitter, s->loop.body);
  changes_apply(emitter, &changes);
  LLVMValueRef *before = values_of(emitter, &changes);
  struct loop_blocks blocks = loop_enter(emitter, s, extent);
  LLVMValueRef *last =
      loop_body(emitter, s, &blocks, &changes, before, minimum, end);
  LLVMBasicBlockRef latch = emitter->block;
  emitter_at_end(emitter, blocks.exit);
  if (blocks.before == NULL) {
    values_restore(emitter, &changes, last);
  } else {
    LLVMValueRef *phis = phis_begin(emitter, &changes, last, latch);
    phis_add(&changes, phis, before, blocks.before);
  }
  changes_apply(emitter, &changes);
}

/* ---- Conditions ---------------------------------------------------------- */

/* One branch; returns the values at its end, from block *end. */
static LLVMValueRef *
emit_branch(struct emitter *emitter, const struct statement *list,
            const struct changes *changes, LLVMBasicBlockRef start,
            LLVMBasicBlockRef join, LLVMBasicBlockRef *end) {
  struct scope scope = {0};
  emitter_at_end(emitter, start);
  emitter_enter(emitter, &scope, SCOPE_BRANCH);
  emit_statements(emitter, list);
  emitter_leave(emitter);
  *end = emitter->block;
  LLVMBuildBr(emitter->builder, join);
  return values_of(emitter, changes);
}

static void emit_if(struct emitter *emitter, const struct statement *s) {
  LLVMValueRef condition = emit_expr(emitter, s->branch.condition);
  if (LLVMIsAConstantInt(condition) != NULL) {
    emit_statements(emitter, LLVMConstIntGetZExtValue(condition) != 0
                                 ? s->branch.then_body
                                 : s->branch.else_body);
    return;
  }
  struct changes changes = changes_of(emitter, s->branch.then_body);
  collect_changes(emitter, &changes, s->branch.else_body);
  LLVMValueRef *before = values_of(emitter, &changes);
  LLVMBasicBlockRef yes = new_block(emitter, "then");
  LLVMBasicBlockRef join = new_block(emitter, "join");
  LLVMBasicBlockRef no =
      s->branch.else_body != NULL ? new_block(emitter, "else") : join;
  LLVMBasicBlockRef yes_end, no_end = emitter->block;
  LLVMBuildCondBr(emitter->builder, condition, yes, no);
  LLVMValueRef *then_values =
      emit_branch(emitter, s->branch.then_body, &changes, yes, join, &yes_end);
  LLVMValueRef *else_values = before;
  values_restore(emitter, &changes, before);
  changes_apply(emitter, &changes);
  if (s->branch.else_body != NULL)
    else_values =
        emit_branch(emitter, s->branch.else_body, &changes, no, join, &no_end);
  emitter_at_end(emitter, join);
  LLVMValueRef *phis = phis_begin(emitter, &changes, then_values, yes_end);
  phis_add(&changes, phis, else_values, no_end);
  changes_apply(emitter, &changes);
}

/* ---- Statements ---------------------------------------------------------- */

/* A local that is set again starts a new round: the next step of an unrolled
 * loop. Instruction selection likes to gather loads from neighbouring places,
 * across rounds too, and then the registers of a full tile don't suffice. A
 * fence that only the compiler heeds keeps the rounds apart; it is no
 * instruction. */
static void begin_round(struct emitter *emitter, const struct local *local) {
  if (emitter->local_rounds[local->id] == emitter->round) {
    emitter->round++;
    LLVMBuildFence(emitter->builder, LLVMAtomicOrderingSequentiallyConsistent,
                   true, "");
  }
  emitter->local_rounds[local->id] = emitter->round;
}

static void emit_set(struct emitter *emitter, const struct statement *s) {
  const struct local *local = s->set.local;
  begin_round(emitter, local);
  emitter->locals[local->id] = emit_lanes(emitter, s->set.value, local->lanes);
  emitter_local_changed(emitter, local);
}

/* LLVM's work on a basic block grows faster than its length; plan() of a model
 * with thousands of outputs is one long list of stores. */
enum { STORES_IN_BLOCK = 256 };

static void begin_block(struct emitter *emitter) {
  LLVMBasicBlockRef next = new_block(emitter, "more");
  LLVMBuildBr(emitter->builder, next);
  emitter_at_end(emitter, next);
}

void emit_statements(struct emitter *emitter, const struct statement *list) {
  size_t stores = 0;
  for (const struct statement *s = list; s != NULL; s = s->next) {
    switch (s->kind) {
    case STATEMENT_FOR:
      emit_for(emitter, s);
      continue;
    case STATEMENT_IF:
      emit_if(emitter, s);
      continue;
    case STATEMENT_STORE:
      check(s->store.index_count == 1);
      emit_store(emitter, s->store.buffer, s->store.indices[0], s->store.value);
      if (++stores % STORES_IN_BLOCK == 0 && s->next != NULL)
        begin_block(emitter);
      continue;
    case STATEMENT_SET:
      emit_set(emitter, s);
      continue;
    case STATEMENT_PREFETCH:
      emit_prefetch(emitter, s->prefetch.buffer, s->prefetch.offset);
      continue;
    case STATEMENT_BLOCK:
    case STATEMENT_BARRIER:
      break;
    }
    unreachable();
  }
}
