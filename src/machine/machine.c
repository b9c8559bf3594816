/* SPDX-License-Identifier: Apache-2.0 */
/* Target lines to facts.
 *
 * Every word of a line is checked against our tables before anybody else sees
 * it. What is not said comes from the host when the line could mean it (no
 * triple and no CPU of another architecture), else from the CPU's row. The
 * canonical line says everything that matters and nothing that is the row's
 * default, so equal machines have equal lines.
 */
#include "machine/machine.h"

#include "base/text.h"
#include "machine/table.h"

#include <string.h>

/* What a target line says. */
struct request {
  const char *line; /* for messages */
  const char *kind;
  const char *triple, *cpu, *attributes; /* NULL: not said */
  int64_t cores;                         /* 0: not said */
  enum architecture architecture;
  feature_set features;
  const struct cpu_row *row;
  bool is_host_cpu;
};

static enum adze_status fail_near(struct adze_error *error,
                                  const struct request *request,
                                  const char *what, const char *wrong,
                                  const char *const *names, size_t count) {
  char near[256];
  string_near(wrong, names, count, near, sizeof near);
  return fail(error, ADZE_INVALID_ARGUMENT,
              "target \"%s\": there is no %s \"%s\"%s%s%s", request->line, what,
              wrong, near[0] != '\0' ? "; did you mean " : "", near,
              near[0] != '\0' ? "?" : "");
}

/* ---- Reading the line ---------------------------------------------------- */

static enum adze_status read_option(struct request *request, const char *word,
                                    struct adze_error *error) {
  static const char *const options[] = {"-mtriple", "-mcpu", "-mattr",
                                        "-num-cores"};
  const char *value = strchr(word, '=');
  size_t size = value != NULL ? (size_t)(value - word) : strlen(word);
  size_t option = 0;
  while (option < ARRAY_COUNT(options) &&
         (strlen(options[option]) != size ||
          memcmp(options[option], word, size) != 0))
    option++;
  if (option == ARRAY_COUNT(options))
    return fail_near(error, request, "option", word, options,
                     ARRAY_COUNT(options));
  if (value == NULL || value[1] == '\0')
    return fail(error, ADZE_INVALID_ARGUMENT,
                "target \"%s\": %s needs a value, as in %s=…", request->line,
                options[option], options[option]);
  value++;
  switch (option) {
  case 0:
    request->triple = value;
    break;
  case 1:
    request->cpu = value;
    break;
  case 2:
    request->attributes = value;
    break;
  default:
    if (!string_to_int64(value, &request->cores) || request->cores < 1 ||
        request->cores > 1024)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "target \"%s\": -num-cores is a number from 1 to 1024, not "
                  "\"%s\"",
                  request->line, value);
  }
  return ADZE_OK;
}

static enum adze_status read_line(struct arena *arena, struct request *request,
                                  const char *line, struct adze_error *error) {
  char *rest, *copy = arena_strdup(arena, line);
  for (char *word = strtok_r(copy, " \t", &rest); word != NULL;
       word = strtok_r(NULL, " \t", &rest)) {
    if (request->kind == NULL)
      request->kind = word;
    else if (strcmp(request->kind, "llvm") == 0)
      TRY(read_option(request, word, error));
    else
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "target \"%s\": %s takes no options, \"%s\" found",
                  request->line, request->kind, word);
  }
  if (request->kind == NULL)
    request->kind = "llvm";
  return ADZE_OK;
}

/* The names are few enough to list. */
static enum adze_status fail_target(struct arena *arena,
                                    struct adze_error *error,
                                    const struct request *request,
                                    const char *const *names, size_t count) {
  struct text list = {.arena = arena};
  char near[256];
  string_near(request->kind, names, count, near, sizeof near);
  for (size_t i = 0; i < count; i++)
    text_format(&list, "%s%s", i ? ", " : "", names[i]);
  return fail(error, ADZE_INVALID_ARGUMENT,
              "target \"%s\": there is no target or machine \"%s\"; %s%s%s"
              "there are %s",
              request->line, request->kind, near[0] ? "did you mean " : "",
              near, near[0] ? "? " : "", text_string(&list));
}

/* The kind of target, and named machines replaced by what they stand for. */
static enum adze_status read_request(struct arena *arena, const char *line,
                                     struct request *request,
                                     struct adze_error *error) {
  const char *names[2 + 64] = {"llvm", "c"};
  size_t count = 2;
  check(named_machine_count <= ARRAY_COUNT(names) - count);
  request->line = line != NULL ? line : "llvm";
  TRY(read_line(arena, request, request->line, error));
  if (strcmp(request->kind, "llvm") == 0 || strcmp(request->kind, "c") == 0)
    return ADZE_OK;
  for (size_t i = 0; i < named_machine_count; i++) {
    names[count++] = named_machine_table[i].name;
    if (strcmp(named_machine_table[i].name, request->kind) == 0) {
      *request = (struct request){.line = line};
      return read_line(arena, request, named_machine_table[i].target_line,
                       error);
    }
  }
  return fail_target(arena, error, request, names, count);
}

/* ---- Architecture, CPU, features ----------------------------------------- */

static enum adze_status read_triple(struct request *request,
                                    struct adze_error *error) {
  const char *triple = request->triple;
  if (!architecture_find(triple, strcspn(triple, "-"), &request->architecture))
    return fail(error, ADZE_INVALID_ARGUMENT,
                "target \"%s\": -mtriple begins with x86_64 or aarch64, not "
                "\"%.*s\"",
                request->line, (int)strcspn(triple, "-"), triple);
  if (strspn(triple, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789_-.") != strlen(triple) ||
      (strstr(triple, "linux") == NULL && strstr(triple, "none") == NULL &&
       strchr(triple, '-') != NULL))
    return fail(error, ADZE_INVALID_ARGUMENT,
                "target \"%s\": the system in -mtriple is linux or none (code "
                "is ELF), as in %s",
                request->line,
                architecture_table[request->architecture].triple);
  return ADZE_OK;
}

static enum adze_status find_cpu(struct request *request,
                                 struct adze_error *error) {
  const char *names[256];
  size_t count = 0;
  bool any = request->triple == NULL;
  request->row = cpu_find_for(request->architecture, request->cpu);
  if (request->row == NULL && any)
    request->row = cpu_find(request->cpu);
  if (request->row != NULL) {
    request->architecture = request->row->architecture;
    return ADZE_OK;
  }
  check(cpu_table_count <= ARRAY_COUNT(names));
  for (size_t i = 0; i < cpu_table_count; i++)
    if (any || cpu_table[i].architecture == request->architecture)
      names[count++] = cpu_table[i].name;
  return fail_near(error, request,
                   any ? "CPU"
                   : request->architecture == ARCHITECTURE_x86_64
                       ? "x86-64 CPU"
                       : "AArch64 CPU",
                   request->cpu, names, count);
}

static enum adze_status apply_attributes(struct arena *arena,
                                         struct request *request,
                                         struct adze_error *error) {
  enum architecture architecture = request->architecture;
  char *rest, *copy = arena_strdup(arena, request->attributes);
  for (char *word = strtok_r(copy, ",", &rest); word != NULL;
       word = strtok_r(NULL, ",", &rest)) {
    if (word[0] != '+' && word[0] != '-')
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "target \"%s\": \"%s\" in -mattr has no + or - in front",
                  request->line, word);
    int feature = feature_find(architecture, word + 1, strlen(word + 1));
    if (feature < 0) {
      const char *names[64];
      size_t count = feature_counts[architecture];
      check(count <= ARRAY_COUNT(names));
      for (size_t i = 0; i < count; i++)
        names[i] = feature_tables[architecture][i].name;
      return fail_near(error, request, "CPU feature", word + 1, names, count);
    }
    request->features =
        word[0] == '+'
            ? feature_enable(architecture, request->features, feature)
            : feature_disable(architecture, request->features, feature);
  }
  return ADZE_OK;
}

/* Fills architecture, row and features from what was said. */
static enum adze_status resolve(struct arena *arena, struct request *request,
                                struct adze_error *error) {
  const struct host *host = host_detect();
  if (host->is_known)
    request->architecture = host->architecture;
  if (request->triple != NULL)
    TRY(read_triple(request, error));
  if (request->cpu != NULL && strcmp(request->cpu, "native") == 0) {
    if (!host->is_known || host->architecture != request->architecture)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "target \"%s\": -mcpu=native means this machine, which is "
                  "of another architecture",
                  request->line);
    request->is_host_cpu = true;
  } else if (request->cpu != NULL) {
    TRY(find_cpu(request, error));
  } else if (request->triple == NULL && host->is_known) {
    request->is_host_cpu = true;
  } else {
    request->row =
        cpu_find_for(request->architecture,
                     architecture_table[request->architecture].generic_cpu);
  }
  if (request->is_host_cpu) {
    request->row = host->cpu;
    request->features = host->features;
  } else {
    request->features = cpu_features(request->row);
  }
  return request->attributes != NULL ? apply_attributes(arena, request, error)
                                     : ADZE_OK;
}

/* ---- Facts --------------------------------------------------------------- */

/* What must be said to LLVM beyond the CPU's name. */
static const char *attributes_text(struct arena *arena,
                                   const struct request *request) {
  enum architecture architecture = request->architecture;
  feature_set usual = cpu_features(request->row);
  struct text text = {.arena = arena};
  for (int pass = 0; pass < 2; pass++) {
    feature_set set =
        pass == 0 ? usual & ~request->features : request->features & ~usual;
    for (size_t i = 0; i < feature_counts[architecture]; i++)
      if (((set >> i) & 1) != 0)
        text_format(&text, "%s%c%s", text.size > 0 ? "," : "", "-+"[pass],
                    feature_tables[architecture][i].name);
  }
  return text_string(&text);
}

static void set_features(struct arena *arena, const struct request *request,
                         struct machine *machine) {
  enum architecture architecture = request->architecture;
  const struct feature_row *rows = feature_tables[architecture];
  machine->features =
      ARENA_ARRAY(arena, const char *, feature_counts[architecture]);
  for (size_t i = 0; i < feature_counts[architecture]; i++)
    if (((request->features >> i) & 1) != 0)
      machine->features[machine->feature_count++] = rows[i].name;
}

static void set_vectors(const struct request *request,
                        struct machine *machine) {
  feature_set features = request->features;
  if (request->architecture == ARCHITECTURE_x86_64) {
    bool wide = feature_has(ARCHITECTURE_x86_64, features, "avx512f");
    bool middle = feature_has(ARCHITECTURE_x86_64, features, "avx2");
    machine->vector_bits = wide ? 512 : middle ? 256 : 128;
    machine->vector_registers = wide ? 32 : 16;
    machine->has_fma = feature_has(ARCHITECTURE_x86_64, features, "fma");
    machine->has_broadcast_operand = wide;
  } else {
    machine->vector_bits = 128;
    machine->vector_registers = 32;
    machine->has_fma = true;
    machine->has_indexed_fma = true;
  }
}

/* Vectors per cycle through `pipes` of `bits` each. */
static double vector_rate(int pipes, int bits, int64_t vector_bits) {
  double share = (double)bits / (double)vector_bits;
  return pipes * (share < 1 ? share : 1);
}

static void set_timing(const struct request *request, struct machine *machine) {
  const struct cpu_row *row = request->row;
  const struct host *host = host_detect();
  machine->fma_per_cycle =
      vector_rate(row->fma_pipes, row->fma_bits, machine->vector_bits);
  machine->fma_latency = row->fma_latency;
  machine->loads_per_cycle =
      vector_rate(row->loads, row->load_bits, machine->vector_bits);
  machine->frequency = row->frequency;
  machine->l1_bytes = row->l1_kib * 1024;
  machine->l2_bytes = row->l2_kib * 1024;
  machine->l3_bytes = row->l3_kib * 1024;
  machine->l3_share_bytes = machine->l3_bytes;
  machine->l2_bytes_per_cycle = row->l2_rate;
  machine->l3_bytes_per_cycle = row->l3_rate;
  machine->memory_bytes_per_cycle = row->memory_rate;
  machine->weights_bytes_per_cycle = row->memory_rate;
  machine->exchange_bytes_per_cycle = row->exchange_rate;
  machine->asks_ahead = row->asks_ahead;
  machine->cores = row->cores;
  if (request->is_host_cpu) {
    if (host->l1_bytes > 0)
      machine->l1_bytes = host->l1_bytes;
    if (host->l2_bytes > 0)
      machine->l2_bytes = host->l2_bytes;
    if (host->l3_bytes > 0)
      machine->l3_bytes = host->l3_bytes;
    machine->cores = host->cores;
  }
  if (request->cores > 0)
    machine->cores = request->cores;
}

void machine_hold_weights(struct machine *machine, size_t bytes) {
  bool stay = bytes <= (uint64_t)machine->l3_share_bytes / 2;
  machine->weights_bytes_per_cycle = stay ? machine->l3_bytes_per_cycle
                                          : machine->memory_bytes_per_cycle;
}

/* For the C target: any compiler, so nothing may be relied on. Four lanes suit
 * the vector units that its compiler may know to use. */
static void set_portable(struct machine *machine) {
  machine->target_line = "c";
  machine->cpu = "";
  machine->attributes = "";
  machine->feature_count = 0;
  machine->is_host = true;
  machine->vector_bits = 128;
  machine->vector_registers = 16;
  machine->has_fma = false;
  machine->has_broadcast_operand = false;
  machine->has_indexed_fma = false;
}

enum adze_status machine_parse(struct arena *arena, const char *target_line,
                               struct machine *out, struct adze_error *error) {
  struct request request = {0};
  TRY(read_request(arena, target_line, &request, error));
  TRY(resolve(arena, &request, error));
  const struct host *host = host_detect();
  const struct architecture_row *row =
      &architecture_table[request.architecture];
  *out = (struct machine){
      .kind = strcmp(request.kind, "c") == 0 ? "c" : "llvm",
      .triple = arena_strdup(arena, request.triple != NULL ? request.triple
                                                           : row->triple),
      .cpu = request.row->name,
      .attributes = attributes_text(arena, &request),
      .architecture = row->name,
      .elf_machine = row->elf_machine,
      .is_host = host->is_known && host->architecture == request.architecture &&
                 (request.features & ~host->features) == 0,
  };
  set_features(arena, &request, out);
  set_vectors(&request, out);
  if (strcmp(out->kind, "c") == 0)
    set_portable(out);
  set_timing(&request, out);
  if (out->target_line == NULL) {
    struct text line = {.arena = arena};
    text_format(&line, "llvm -mtriple=%s -mcpu=%s", out->triple, out->cpu);
    if (out->attributes[0] != '\0')
      text_format(&line, " -mattr=%s", out->attributes);
    if (request.cores > 0)
      text_format(&line, " -num-cores=%lld", (long long)request.cores);
    out->target_line = text_string(&line);
  }
  return ADZE_OK;
}

const char *machine_llvm_features(struct arena *arena,
                                  const struct machine *machine) {
  enum architecture architecture;
  check(architecture_find(machine->architecture, strlen(machine->architecture),
                          &architecture));
  feature_set set = 0;
  for (size_t i = 0; i < machine->feature_count; i++) {
    int feature = feature_find(architecture, machine->features[i],
                               strlen(machine->features[i]));
    check(feature >= 0);
    set |= (feature_set)1 << feature;
  }
  struct text text = {.arena = arena};
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < feature_counts[architecture]; i++)
      if ((int)((set >> i) & 1) == pass)
        text_format(&text, "%s%c%s", text.size > 0 ? "," : "", "-+"[pass],
                    feature_tables[architecture][i].name);
  return text_string(&text);
}

void machine_describe_host(struct text *text) {
  struct machine machine;
  struct adze_error error;
  if (machine_parse(text->arena, NULL, &machine, &error) != ADZE_OK) {
    text_format(text, "target: %s\n", error.message);
    return;
  }
  text_format(text, "target: %s\n", machine.target_line);
  text_format(text, "architecture: %s\n", machine.architecture);
  text_format(text, "cpu: %s\n", machine.cpu);
  text_add(text, "features:");
  for (size_t i = 0; i < machine.feature_count; i++)
    text_format(text, " %s", machine.features[i]);
  text_format(text, "\nvectors: %lld bits, %lld registers\n",
              (long long)machine.vector_bits,
              (long long)machine.vector_registers);
  text_format(text, "caches: L1 %lld KiB, L2 %lld KiB, L3 %lld KiB\n",
              (long long)machine.l1_bytes / 1024,
              (long long)machine.l2_bytes / 1024,
              (long long)machine.l3_bytes / 1024);
  text_format(text, "cores: %lld\n", (long long)machine.cores);
}
