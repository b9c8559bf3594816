/* SPDX-License-Identifier: Apache-2.0 */
/* Statements and functions as C.
 *
 * Locals are variables of the function, vectors arrays. A vector statement is
 * a loop over lanes; where a store may change what later lanes read, all lanes
 * are computed into arrays first. Names from the model are kept as far as they
 * are identifiers, with a number that makes them unique.
 */
#include "target/c/printer.h"

#include <ctype.h>
#include <string.h>

bool c_function_has_scratch(const struct function *function) {
  for (size_t i = 0; i < function->buffers.count; i++)
    if (function->buffers.data[i]->scope == BUFFER_WORKER)
      return true;
  return false;
}

/* ---- Names --------------------------------------------------------------- */

/* "conv1/relu:0" and 3 give "conv1_relu_0_3". */
static char *identifier(struct arena *arena, const char *name,
                        unsigned number) {
  char *text = arena_printf(arena, "%s_%u", name, number);
  if (isdigit((unsigned char)text[0]) != 0)
    text = arena_printf(arena, "n%s", text);
  for (char *c = text; *c != '\0'; c++)
    if (isalnum((unsigned char)*c) == 0 || (unsigned char)*c >= 128)
      *c = '_';
  if (text[0] == '_')
    text[0] = 'n';
  return text;
}

static char *name_buffer(struct printer *printer, const struct buffer *buffer) {
  char *name = identifier(printer->arena, buffer->name,
                          (unsigned)printer->buffer_names.count);
  (void)map_set_key(&printer->buffer_names, buffer->id, name);
  return name;
}

static char *name_variable(struct printer *printer,
                           const struct variable *variable) {
  char *name = map_get_key(&printer->variable_names, variable->id);
  if (name == NULL) {
    name = identifier(printer->arena, variable->name,
                      (unsigned)printer->variable_names.count);
    (void)map_set_key(&printer->variable_names, variable->id, name);
  }
  return name;
}

/* ---- Stores and sets ----------------------------------------------------- */

/* Appends lines one level less indented. */
static void add_outdented(struct text *out, const char *lines) {
  while (*lines != '\0') {
    size_t size = strcspn(lines, "\n") + 1;
    text_add_n(out, lines + 2, size - 2);
    lines += size;
  }
}

static void open_block(struct printer *printer) {
  c_line(&printer->out, "{");
  printer->out.indent++;
}
static void close_block(struct printer *printer) {
  printer->out.indent--;
  c_line(&printer->out, "}");
}

/* Adds the lines of a statement: those before the loop over lanes, that loop,
 * and a block around them if they declare anything. */
static void finish_lanes(struct printer *printer) {
  bool needs_block = printer->temporaries > 0;
  struct text lines = {.arena = printer->arena};
  struct stream all = {.text = lines, .indent = printer->out.indent + 1};
  text_add(&all.text, text_string(&printer->scalars.text));
  if (printer->lanes > 1)
    c_line(&all, "for (int l = 0; l < %u; l++) {", (unsigned)printer->lanes);
  text_add(&all.text, text_string(&printer->lane_body.text));
  if (printer->lanes > 1)
    c_line(&all, "}");
  if (!needs_block) {
    add_outdented(&printer->out.text, text_string(&all.text));
    return;
  }
  c_line(&printer->out, "{");
  text_add(&printer->out.text, text_string(&all.text));
  c_line(&printer->out, "}");
}

static void print_set(struct printer *printer, const struct statement *s) {
  const struct local *local = s->set.local;
  c_value_begin(printer, local->lanes);
  c_value_count(printer, s->set.value);
  const char *value = c_value_print(printer, s->set.value);
  c_line(&printer->lane_body, local->lanes > 1 ? "x%u[l] = %s;" : "x%u = %s;",
         (unsigned)local->id, value);
  finish_lanes(printer);
}

/* All lanes first: values and, where they are many, places. */
static void print_careful_store(struct printer *printer,
                                const struct statement *s, uint16_t lanes) {
  const struct buffer *buffer = s->store.buffer;
  const struct expr *offset = s->store.indices[0];
  open_block(printer);
  c_line(&printer->out, "%s values[%u];", c_type(buffer->dtype),
         (unsigned)lanes);
  c_line(&printer->out, "i64 places[%u];", (unsigned)lanes);
  c_value_begin(printer, lanes);
  c_value_count(printer, offset);
  c_value_count(printer, s->store.value);
  const char *value = c_value_print(printer, s->store.value);
  c_line(&printer->lane_body, "values[l] = %s;", value);
  const char *place = c_value_print(printer, offset);
  c_line(&printer->lane_body,
         offset->lanes > 1 ? "places[l] = %s;" : "places[l] = %s + l;", place);
  finish_lanes(printer);
  c_line(&printer->out, "for (int l = 0; l < %u; l++)", (unsigned)lanes);
  c_line(&printer->out, "  %s[places[l]] = values[l];",
         (const char *)map_get_key(&printer->buffer_names, buffer->id));
  close_block(printer);
}

static void print_store(struct printer *printer, const struct statement *s) {
  const struct buffer *buffer = s->store.buffer;
  const struct expr *offset = s->store.indices[0];
  const struct expr *e = s->store.value;
  uint16_t lanes = offset->lanes > e->lanes ? offset->lanes : e->lanes;
  check(s->store.index_count == 1);
  if (lanes > 1 && (c_value_reads(printer, e, buffer) ||
                    c_value_reads(printer, offset, buffer))) {
    print_careful_store(printer, s, lanes);
    return;
  }
  c_value_begin(printer, lanes);
  c_value_count(printer, offset);
  c_value_count(printer, e);
  const char *value = c_value_print(printer, e);
  const char *element = c_value_element(printer, buffer, offset);
  c_line(&printer->lane_body, "%s = %s;", element, value);
  finish_lanes(printer);
}

/* ---- Loops and conditions ------------------------------------------------ */

static void print_list(struct printer *printer, const struct statement *list);

/* Lines that a loop's bounds or a condition need stand in a block around it;
 * whether there is one. */
static bool open_scalars(struct printer *printer) {
  if (printer->temporaries == 0)
    return false;
  open_block(printer);
  text_add(&printer->out.text, text_string(&printer->lane_body.text));
  return true;
}

static void print_for(struct printer *printer, const struct statement *s) {
  check(s->loop.kind == LOOP_SERIAL);
  const char *name = name_variable(printer, s->loop.variable);
  int64_t first = 1, count;
  bool is_plain = expr_get_integer(s->loop.minimum, &first) && first == 0 &&
                  expr_get_integer(s->loop.extent, &count);
  c_value_begin(printer, 1);
  c_value_count(printer, s->loop.minimum);
  c_value_count(printer, s->loop.extent);
  const char *minimum = c_value_print(printer, s->loop.minimum);
  const char *end = c_value_print(printer, s->loop.extent);
  if (!is_plain) {
    printer->temporaries++; /* makes a block for it */
    c_line(&printer->lane_body, "const i64 end = add_i64(%s, %s);", minimum,
           end);
    end = "end";
  }
  bool has_block = open_scalars(printer);
  c_line(&printer->out, "for (i64 %s = %s; %s < %s; %s++) {", name, minimum,
         name, end, name);
  printer->out.indent++;
  print_list(printer, s->loop.body);
  close_block(printer);
  if (has_block)
    close_block(printer);
}

static void print_if(struct printer *printer, const struct statement *s) {
  c_value_begin(printer, 1);
  c_value_count(printer, s->branch.condition);
  const char *condition = c_value_print(printer, s->branch.condition);
  bool has_block = open_scalars(printer);
  c_line(&printer->out, "if (%s) {", condition);
  printer->out.indent++;
  print_list(printer, s->branch.then_body);
  printer->out.indent--;
  if (s->branch.else_body != NULL) {
    c_line(&printer->out, "} else {");
    printer->out.indent++;
    print_list(printer, s->branch.else_body);
    printer->out.indent--;
  }
  c_line(&printer->out, "}");
  if (has_block)
    close_block(printer);
}

static void print_list(struct printer *printer, const struct statement *list) {
  for (const struct statement *s = list; s != NULL; s = s->next) {
    switch (s->kind) {
    case STATEMENT_FOR:
      print_for(printer, s);
      continue;
    case STATEMENT_IF:
      print_if(printer, s);
      continue;
    case STATEMENT_STORE:
      print_store(printer, s);
      continue;
    case STATEMENT_SET:
      print_set(printer, s);
      continue;
    case STATEMENT_PREFETCH: /* C has no word for it */
      continue;
    case STATEMENT_BLOCK:
    case STATEMENT_BARRIER:
      break;
    }
    unreachable();
  }
}

/* ---- Functions ----------------------------------------------------------- */

static bool is_stored(const struct statement *list,
                      const struct buffer *buffer) {
  for (const struct statement *s = list; s != NULL; s = s->next)
    if ((s->kind == STATEMENT_STORE && s->store.buffer == buffer) ||
        (s->kind == STATEMENT_FOR && is_stored(s->loop.body, buffer)) ||
        (s->kind == STATEMENT_IF && (is_stored(s->branch.then_body, buffer) ||
                                     is_stored(s->branch.else_body, buffer))))
      return true;
  return false;
}

static void print_signature(struct printer *printer, struct text *text,
                            const char *symbol) {
  const struct function *function = printer->function;
  text_format(text, "ADZE_FUNCTION static void %s(", symbol);
  for (size_t i = 0; i < function->parameters.count; i++) {
    const struct buffer *buffer = function->parameters.data[i];
    text_format(text, "%s%s *%s%s, ",
                is_stored(function->body, buffer) ? "" : "const ",
                c_type(buffer->dtype), printer->is_aliased ? "" : "restrict ",
                name_buffer(printer, buffer));
  }
  for (size_t i = 0; i < function->scalars.count; i++)
    text_format(text, "i64 %s, ",
                name_variable(printer, function->scalars.data[i]));
  if (c_function_has_scratch(function))
    text_add(text, "u8 *scratch, ");
  text_format(
      text, "i64 %s, i64 %s) {\n",
      function->worker != NULL ? name_variable(printer, function->worker)
                               : "worker",
      function->workers != NULL ? name_variable(printer, function->workers)
                                : "workers");
}

static void print_buffers(struct printer *printer) {
  const struct function *function = printer->function;
  for (size_t i = 0; i < function->buffers.count; i++) {
    const struct buffer *buffer = function->buffers.data[i];
    const char *type = c_type(buffer->dtype);
    const char *name = name_buffer(printer, buffer);
    if (buffer->scope == BUFFER_STACK) {
      int64_t size;
      check(expr_get_integer(buffer->size, &size));
      c_line(&printer->out, "_Alignas(64) %s %s[%lld];", type, name,
             (long long)(size > 0 ? size : 1));
      continue;
    }
    check(buffer->scope == BUFFER_WORKER);
    c_value_begin(printer, 1);
    c_value_count(printer, function->scratch_offsets.data[i]);
    const char *offset =
        c_value_print(printer, function->scratch_offsets.data[i]);
    c_line(&printer->out, "%s *%s;", type, name);
    c_line(&printer->lane_body, "%s = (%s *)(void *)(scratch + %s);", name,
           type, offset);
    finish_lanes(printer);
  }
}

static void print_locals(struct printer *printer, const struct statement *list,
                         bool *is_declared) {
  for (const struct statement *s = list; s != NULL; s = s->next) {
    if (s->kind == STATEMENT_FOR) {
      print_locals(printer, s->loop.body, is_declared);
    } else if (s->kind == STATEMENT_IF) {
      print_locals(printer, s->branch.then_body, is_declared);
      print_locals(printer, s->branch.else_body, is_declared);
    } else if (s->kind == STATEMENT_SET && !is_declared[s->set.local->id]) {
      const struct local *local = s->set.local;
      is_declared[local->id] = true;
      if (local->lanes > 1)
        c_line(&printer->out, "%s x%u[%u]; /* %s */", c_type(local->dtype),
               (unsigned)local->id, (unsigned)local->lanes, local->name);
      else
        c_line(&printer->out, "%s x%u; /* %s */", c_type(local->dtype),
               (unsigned)local->id, local->name);
    }
  }
}

void c_function_print(struct text *text, struct arena *arena,
                      const struct function *function, const char *symbol,
                      bool is_aliased) {
  struct printer printer = {.arena = arena,
                            .function = function,
                            .is_aliased = is_aliased,
                            .out = {.text.arena = arena, .indent = 1}};
  check(function->is_flat);
  map_init(&printer.buffer_names, arena);
  map_init(&printer.variable_names, arena);
  print_signature(&printer, text, symbol);
  print_buffers(&printer);
  print_locals(&printer, function->body,
               ARENA_ARRAY(arena, bool, function->local_count));
  print_list(&printer, function->body);
  text_add(text, text_string(&printer.out.text));
  text_add(text, "}\n\n");
}

void c_wrapper_print(struct text *text, const struct function *function,
                     const char *kernel, const char *symbol) {
  text_format(text,
              "void %s(void *const *p, const i64 *s, void *scratch, i64 "
              "worker, i64 workers);\n"
              "void %s(void *const *p, const i64 *s, void *scratch, i64 "
              "worker, i64 workers) {\n"
              "  (void)p, (void)s, (void)scratch;\n"
              "  %s(",
              symbol, symbol, kernel);
  for (size_t i = 0; i < function->parameters.count; i++)
    text_format(text, "p[%zu], ", i);
  for (size_t i = 0; i < function->scalars.count; i++)
    text_format(text, "s[%zu], ", i);
  text_format(text, "%sworker, workers);\n}\n",
              c_function_has_scratch(function) ? "scratch, " : "");
}
