/* SPDX-License-Identifier: Apache-2.0 */
/* The contract between compiled model code and whatever runs it. Stands alone:
 * needs nothing but <stdint.h>. Versioned: a runtime accepts a module whose
 * abi_version equals its own ADZE_ABI_VERSION.
 *
 * A compiled module exports one symbol, adze_module_query. It has no undefined
 * symbols and no writable data. Execution is SPMD: all `workers` threads call
 * run() with the same instance and their own worker number; each kernel is cut
 * into parts, which they claim unless it is small, and ends in env->barrier.
 * Results do not depend on `workers`, nor on who computes what.
 */
#ifndef ADZE_PACKAGE_ABI_H
#define ADZE_PACKAGE_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ADZE_ABI_VERSION 2u
/* Alignment in bytes of weights, workspace and every buffer inside them. */
#define ADZE_ABI_ALIGNMENT 64u

/* What run() may call. */
struct adze_abi_env {
  void *context;
  /* Called by every worker: waits until all are here. */
  void (*barrier)(struct adze_abi_env *env, int64_t worker, int64_t workers);
  /* NULL unless profiling. Called by every worker before (kernel = k) each
   * kernel and once at the end with kernel = kernel_count. */
  void (*profile)(struct adze_abi_env *env, int64_t worker, int64_t kernel);
  /* A part of a kernel that nobody has claimed, or -1 when there is none left.
   * Worker w's own share is the parts [w * parts, (w + 1) * parts), which it
   * gets first, in order; then what others have not begun of theirs. Each
   * worker claims until it gets -1; it goes from kernel to kernel in order, and
   * never back. Small kernels are not claimed: each worker computes its own
   * share. Not called, and may be NULL, with one worker. */
  int64_t (*claim)(struct adze_abi_env *env, int64_t kernel, int64_t parts,
                   int64_t worker, int64_t workers);
};

/* One run's memory. Pointers to inputs and outputs need the alignment of their
 * element type only; weights and workspace are ADZE_ABI_ALIGNMENT-aligned. */
struct adze_abi_instance {
  const int64_t *symbols;    /* [symbol_count] values of open dimensions */
  const int64_t *offsets;    /* [offset_count] written by plan() */
  const void *const *inputs; /* [input_count] */
  void *const *outputs;      /* [output_count] */
  const void *weights;       /* weights_bytes */
  void *workspace;           /* what plan() asked for; contents irrelevant */
};

struct adze_abi_module {
  uint32_t abi_version;
  uint32_t kernel_count;
  uint32_t symbol_count;
  uint32_t offset_count;
  uint32_t input_count;
  uint32_t output_count;
  uint64_t weights_bytes;
  /* Checks the values of the open dimensions and lays out memory for them and
   * for at most `workers` workers (each may need scratch memory of its own).
   * Returns 0, or 1 + the number of the first constraint that fails (their
   * texts are in the package index), or -1 when a size overflows. On success
   * *workspace_bytes and offsets[offset_count] are set, and output_dims holds
   * the dimensions of all outputs one after the other (their ranks are in the
   * index). Pure; any thread. */
  int64_t (*plan)(const int64_t *symbols, int64_t workers,
                  int64_t *workspace_bytes, int64_t *offsets,
                  int64_t *output_dims);
  /* Runs the model once. Never fails, never allocates. */
  void (*run)(struct adze_abi_env *env,
              const struct adze_abi_instance *instance, int64_t worker,
              int64_t workers);
  /* [kernel_count] names, for profiles. */
  const char *const *kernel_names;
};

/* The only export of a module; NULL when it can't serve `abi_version`. */
typedef const struct adze_abi_module *
adze_module_query_function(uint32_t abi_version);
#define ADZE_MODULE_QUERY_NAME "adze_module_query"

/* ---- The package: a POSIX ustar archive whose first member is the index ----
 *
 * Members, each starting at a 512-byte tar record:
 *   index        this binary index, at byte ADZE_INDEX_OFFSET of the file; all
 *                that the runtime reads besides the two members it names.
 *                Little-endian throughout.
 *   mod.params   the weights, their data aligned to ADZE_WEIGHTS_FILE_ALIGNMENT
 *                in the file (a padding member may precede it)
 *   mod.so       the code
 *   mod.json     graph and options, for people and tools
 * A reader finds them by the offsets in the index, whatever their order.
 *
 * The index is a struct adze_index_header followed by tables; all offsets of
 * tables and strings are in bytes from the start of the index, those of tables
 * multiples of 8; strings are NUL-terminated UTF-8, and the last byte of the
 * index is NUL. index_crc is CRC-32C over the index with that field zero.
 * Every byte of the file is covered by a checksum: the index by index_crc, the
 * three members by theirs, tar headers and padding by rest_crc (the file's
 * other bytes in file order).
 *
 * In every version of the format, the fields up to index_crc are as here.
 */
#define ADZE_INDEX_OFFSET 512u
#define ADZE_WEIGHTS_FILE_ALIGNMENT 65536u
#define ADZE_INDEX_MAGIC "adzepkg\n"
#define ADZE_INDEX_VERSION 1u

struct adze_index_header {
  char magic[8];
  uint32_t index_version, abi_version;
  uint32_t index_bytes, index_crc;
  uint64_t file_bytes; /* of the whole package */
  uint64_t code_offset, code_bytes;
  uint64_t weights_offset, weights_bytes;
  uint64_t json_offset, json_bytes;
  uint32_t code_crc, weights_crc, json_crc, rest_crc;
  uint32_t machine;        /* ELF e_machine of the code: 62, 183, … */
  uint32_t target_string;  /* string: the target line */
  uint32_t version_string; /* string: adze's version */
  uint32_t name_string;    /* string: the model's name */
  uint32_t feature_count, features; /* uint32 strings: CPU features needed, in
                                       LLVM's spelling ("avx512f") */
  uint32_t symbol_count, symbols;   /* struct adze_index_symbol */
  uint32_t input_count, inputs;     /* struct adze_index_tensor */
  uint32_t output_count, outputs;   /* struct adze_index_tensor */
  uint32_t constraint_count, constraints; /* uint32 strings: sentences */
  uint32_t kernel_count, kernels;         /* struct adze_index_kernel */
  uint32_t property_count, properties; /* pairs of uint32 strings: name, value:
                                          preprocessing, pose network, … */
  uint32_t reserved[4];
};

/* An open dimension: named in the model, bound by input shapes. */
struct adze_index_symbol {
  uint32_t name_string;
  uint32_t reserved;
  int64_t minimum, maximum; /* inclusive */
};

#define ADZE_INDEX_MAX_RANK 16
struct adze_index_tensor {
  uint32_t name_string;
  uint32_t dtype; /* enum adze_dtype */
  uint32_t rank;
  uint32_t reserved;
  /* >= 0: a fixed size; otherwise ~dim (bitwise not) is the number of the
   * symbol whose value it is, or, for outputs, INT64_MIN: known to plan(). */
  int64_t dims[ADZE_INDEX_MAX_RANK];
};

struct adze_index_kernel {
  uint32_t name_string;     /* nodes joined by '+' */
  uint32_t template_string; /* the schedule template that made it */
  double flops;             /* per run at the compiled or hinted shape */
};

#ifdef __cplusplus
}
#endif
#endif
