/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions as text, and names.
 *
 * Expressions are DAGs; as plain text a shared node would be printed as often
 * as it is used, which grows exponentially. Nodes used more than once (unless
 * small) are therefore given numbers first, `with #0 = …, #1 = … in …`, and
 * so are nodes that would nest deep, which the parser bounds. Numbers name
 * expressions, not values: a SELECT still evaluates one side only.
 */
#include "ir/loop_print.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ir/loop_text.h"
#include "ir/loop_words.h"

#define SHARED_SIZE 6 /* nodes; smaller ones are repeated */
#define NESTING_MOST 32

/* ---- Names -------------------------------------------------------------- */

void printer_init(struct printer *p, struct text *text) {
  *p = (struct printer){.text = text};
  map_init(&p->taken, text->arena);
  map_init(&p->taken_stages, text->arena);
  map_init(&p->variables, text->arena);
  map_init(&p->buffers, text->arena);
  map_init(&p->locals, text->arena);
  map_init(&p->stages, text->arena);
}

static char *identifier(struct arena *arena, const char *name) {
  char *out = arena_printf(arena, "%s%s_",
                           isdigit((unsigned char)name[0]) ? "_" : "", name);
  size_t size = strlen(out) - 1;
  for (size_t i = 0; i < size; i++)
    if (!isalnum((unsigned char)out[i]))
      out[i] = '_';
  if (size == 0)
    return out; /* "_" */
  out[size] = 0;
  if (is_reserved_word(out))
    out[size] = '_';
  return out;
}

const char *printer_name(struct printer *p, struct map *names, uint64_t key,
                         const char *wanted) {
  char *name = map_get_key(names, key);
  if (name != NULL)
    return name;
  struct map *taken = names == &p->stages ? &p->taken_stages : &p->taken;
  const char *base = identifier(p->text->arena, wanted);
  name = arena_strdup(p->text->arena, base);
  for (unsigned i = 1; map_get(taken, name) != NULL; i++)
    name = arena_printf(p->text->arena, "%s_%u", base, i);
  map_set(taken, name, name);
  map_set_key(names, key, name);
  return name;
}

void printer_release(struct printer *p, struct map *names, uint64_t key) {
  map_set(&p->taken, map_get_key(names, key), NULL);
  map_set_key(names, key, NULL);
}

const char *printer_variable(struct printer *p,
                             const struct variable *variable) {
  const char *name = map_get_key(&p->variables, variable->id);
  return name != NULL ? name : identifier(p->text->arena, variable->name);
}

const char *printer_buffer(struct printer *p, const struct buffer *buffer) {
  const char *name = map_get_key(&p->buffers, buffer->id);
  return name != NULL ? name : identifier(p->text->arena, buffer->name);
}

static const char *printer_local(struct printer *p, const struct local *local) {
  const char *name = map_get_key(&p->locals, local->id);
  return name != NULL ? name : identifier(p->text->arena, local->name);
}

/* ---- Which nodes are numbered ------------------------------------------- */

struct shared {
  const struct expr *node;
  uint32_t uses, size, depth;
  uint32_t number; /* plus 1; 0: none */
};

struct sharing {
  struct printer *printer;
  struct map nodes; /* expression id -> struct shared, arguments first */
  uint32_t count;
};

static struct shared *shared_of(const struct sharing *sharing,
                                const struct expr *e) {
  return map_get_key(&sharing->nodes, e->id);
}

/* Lists the nodes below e, arguments first. */
static void list_nodes(struct sharing *sharing, const struct expr *e) {
  struct arena *arena = sharing->printer->text->arena;
  VEC(const struct expr *) stack = {0};
  vec_push(arena, &stack, e);
  while (stack.count != 0) {
    const struct expr *node = stack.data[stack.count - 1];
    size_t before = stack.count;
    if (shared_of(sharing, node) == NULL)
      for (size_t i = node->arg_count; i-- > 0;)
        if (shared_of(sharing, node->args[i]) == NULL)
          vec_push(arena, &stack, node->args[i]);
    if (stack.count != before)
      continue;
    stack.count--;
    if (shared_of(sharing, node) != NULL)
      continue;
    struct shared *shared = ARENA_NEW(arena, struct shared);
    shared->node = node;
    map_set_key(&sharing->nodes, node->id, shared);
    for (size_t i = 0; i < node->arg_count; i++)
      shared_of(sharing, node->args[i])->uses++;
  }
}

static void number_nodes(struct sharing *sharing, const struct expr *root) {
  for (size_t n = 0; n < sharing->nodes.count; n++) {
    struct shared *shared = sharing->nodes.entries[n].value;
    const struct expr *node = shared->node;
    shared->size = 1;
    for (size_t i = 0; i < node->arg_count; i++) {
      const struct shared *arg = shared_of(sharing, node->args[i]);
      shared->size += arg->number != 0 ? 1 : arg->size;
      if (arg->number == 0 && arg->depth >= shared->depth)
        shared->depth = arg->depth + 1;
    }
    bool is_repeated = shared->uses > 1 && shared->size >= SHARED_SIZE;
    if (node != root && (is_repeated || shared->depth >= NESTING_MOST))
      shared->number = ++sharing->count;
  }
}

/* ---- Nodes -------------------------------------------------------------- */

static void print_real(struct text *text, const struct expr *e) {
  double value = e->real;
  char digits[64];
  if (isnan(value) || isinf(value)) {
    text_add(text, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
  } else {
    for (int precision = 1; precision <= 17; precision++) {
      snprintf(digits, sizeof digits, "%.*g", precision, value);
      double back = 0;
      bool is_same =
          string_to_double(digits, &back) &&
          (e->dtype == ADZE_F64 ? back == value : (float)back == (float)value);
      if (is_same)
        break;
    }
    text_add(text, digits);
    if (strpbrk(digits, ".e") == NULL)
      text_add(text, ".0");
  }
  if (e->dtype != ADZE_F32)
    text_format(text, ":%s", dtype_word(e->dtype));
}

static void print_leaf(struct sharing *sharing, const struct expr *e) {
  struct printer *p = sharing->printer;
  switch ((int)e->kind) {
  case EXPR_INTEGER:
    if (e->dtype == ADZE_BOOL) {
      text_add(p->text, e->integer != 0 ? "true" : "false");
      return;
    }
    text_format(p->text, "%lld", (long long)e->integer);
    if (e->dtype != ADZE_I64)
      text_format(p->text, ":%s", dtype_word(e->dtype));
    return;
  case EXPR_REAL:
    print_real(p->text, e);
    return;
  case EXPR_VARIABLE:
    text_add(p->text, printer_variable(p, e->variable));
    return;
  case EXPR_LOCAL:
    text_add(p->text, printer_local(p, e->local));
    return;
  default:
    unreachable();
  }
}

/* Operators by how strongly they bind; 0: written as a call. */
struct operator_row {
  enum expr_kind kind;
  int strength;
  const char *text;
};
static const struct operator_row operators[] = {
    {EXPR_OR, 1, "|"},         {EXPR_AND, 2, "&"},  {EXPR_EQUAL, 3, "=="},
    {EXPR_NOT_EQUAL, 3, "!="}, {EXPR_LESS, 3, "<"}, {EXPR_LESS_EQUAL, 3, "<="},
    {EXPR_ADD, 4, "+"},        {EXPR_SUB, 4, "-"},  {EXPR_MUL, 5, "*"},
    {EXPR_DIV, 5, "/"},
};

static const struct operator_row *operator_of(enum expr_kind kind) {
  for (size_t i = 0; i < ARRAY_COUNT(operators); i++)
    if (operators[i].kind == kind)
      return &operators[i];
  return NULL;
}

static void print_node(struct sharing *sharing, const struct expr *e,
                       int strength);

/* An argument: its number, or itself in parentheses where it binds weaker. */
static void print_argument(struct sharing *sharing, const struct expr *e,
                           int strength) {
  const struct shared *shared = shared_of(sharing, e);
  if (shared->number != 0)
    text_format(sharing->printer->text, "#%u", shared->number - 1);
  else
    print_node(sharing, e, strength);
}

static void print_operator(struct sharing *sharing, const struct expr *e,
                           const struct operator_row *row, int strength) {
  struct text *text = sharing->printer->text;
  bool in_parentheses = row->strength < strength;
  /* Comparisons don't chain; the others group to the left. */
  int left = row->strength + (row->strength == 3);
  text_add(text, in_parentheses ? "(" : "");
  print_argument(sharing, e->args[0], left);
  text_format(text, " %s ", row->text);
  print_argument(sharing, e->args[1], row->strength + 1);
  text_add(text, in_parentheses ? ")" : "");
}

static void print_arguments(struct sharing *sharing, const struct expr *e) {
  for (size_t i = 0; i < e->arg_count; i++) {
    text_add(sharing->printer->text, i > 0 ? ", " : "");
    print_argument(sharing, e->args[i], 0);
  }
}

static void print_load(struct sharing *sharing, const struct expr *e) {
  struct text *text = sharing->printer->text;
  text_format(text, "%s[", printer_buffer(sharing->printer, e->buffer));
  print_arguments(sharing, e);
  if (e->lanes > 1 && e->args[0]->lanes == 1)
    text_format(text, " : %u", e->lanes);
  text_add(text, "]");
}

static void print_node(struct sharing *sharing, const struct expr *e,
                       int strength) {
  struct text *text = sharing->printer->text;
  const struct operator_row *row = operator_of(e->kind);
  if (e->kind == EXPR_LOAD) {
    print_load(sharing, e);
  } else if (e->arg_count == 0) {
    print_leaf(sharing, e);
  } else if (row != NULL) {
    print_operator(sharing, e, row, strength);
  } else {
    text_format(text, "%s(", expr_kind_name(e->kind));
    if (e->kind == EXPR_CAST || e->kind == EXPR_BITCAST)
      text_format(text, "%s, ", dtype_word(e->dtype));
    print_arguments(sharing, e);
    if (e->kind == EXPR_RAMP || e->kind == EXPR_BROADCAST)
      text_format(text, ", %u", e->lanes);
    text_add(text, ")");
  }
}

void printer_expr(struct printer *p, const struct expr *e) {
  struct sharing sharing = {.printer = p};
  map_init(&sharing.nodes, p->text->arena);
  list_nodes(&sharing, e);
  number_nodes(&sharing, e);
  uint32_t printed = 0;
  for (size_t n = 0; n < sharing.nodes.count; n++) {
    const struct shared *shared = sharing.nodes.entries[n].value;
    if (shared->number == 0)
      continue;
    text_format(p->text, "%s#%u = ", printed++ == 0 ? "with " : ", ",
                shared->number - 1);
    print_node(&sharing, shared->node, 0);
  }
  text_add(p->text, printed > 0 ? " in " : "");
  print_node(&sharing, e, 0);
}

void expr_print(struct text *text, const struct expr *e) {
  struct printer printer;
  printer_init(&printer, text);
  printer_expr(&printer, e);
}
