/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU that this process runs on can do, under LLVM's names. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include "base/base.h"

/* The ELF e_machine of this process (62 x86-64, 183 AArch64, …), or 0 when it
 * is one that adze has no name for. */
uint32_t cpu_elf_machine(void);
/* "x86-64" for 62; NULL for a number without a name. Static string. */
const char *cpu_elf_machine_name(uint32_t elf_machine);

/* The rows of cpu_features.def that are for this process' architecture. */
size_t cpu_feature_count(void);
/* index < cpu_feature_count(); a static string. */
const char *cpu_feature_name(size_t index);
/* Whether the CPU has it and the system saves its registers. */
bool cpu_feature_present(size_t index);
/* Whether the feature of this name is there; false for unknown names. Any
 * thread; costs a few microseconds. */
bool cpu_has_feature(const char *name);
/* Whether this architecture has a feature of this name. */
bool cpu_knows_feature(const char *name);

#endif
