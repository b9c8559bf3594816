/* SPDX-License-Identifier: Apache-2.0 */
/* The machine this process runs on: which row of cpus.def it is, which
 * features it really offers, how large its caches are.
 *
 * A virtual machine may hide features of its CPU model, so features come from
 * base/cpu.h and the model only gives timing facts and LLVM's name. A model
 * that no row knows becomes the best generic row whose features are all there.
 * Cache sizes come from sysfs, where the system tells them.
 */
#include "machine/table.h"

#include "base/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* From `first` to `last` of a family: the row's name. */
struct model_range {
  uint32_t family, first, last;
  const char *cpu;
};

static const struct model_range intel_models[] = {
    {6, 0x0f, 0x0f, "core2"},          {6, 0x16, 0x16, "core2"},
    {6, 0x17, 0x17, "penryn"},         {6, 0x1d, 0x1d, "penryn"},
    {6, 0x1a, 0x1a, "nehalem"},        {6, 0x1e, 0x1f, "nehalem"},
    {6, 0x2e, 0x2e, "nehalem"},        {6, 0x25, 0x25, "westmere"},
    {6, 0x2c, 0x2c, "westmere"},       {6, 0x2f, 0x2f, "westmere"},
    {6, 0x2a, 0x2a, "sandybridge"},    {6, 0x2d, 0x2d, "sandybridge"},
    {6, 0x3a, 0x3a, "ivybridge"},      {6, 0x3e, 0x3e, "ivybridge"},
    {6, 0x3c, 0x3c, "haswell"},        {6, 0x3f, 0x3f, "haswell"},
    {6, 0x45, 0x46, "haswell"},        {6, 0x3d, 0x3d, "broadwell"},
    {6, 0x47, 0x47, "broadwell"},      {6, 0x4f, 0x4f, "broadwell"},
    {6, 0x56, 0x56, "broadwell"},      {6, 0x4e, 0x4e, "skylake"},
    {6, 0x5e, 0x5e, "skylake"},        {6, 0x8e, 0x8e, "skylake"},
    {6, 0x9e, 0x9e, "skylake"},        {6, 0xa5, 0xa6, "skylake"},
    {6, 0x55, 0x55, "skylake-avx512"}, {6, 0x66, 0x66, "cannonlake"},
    {6, 0x7d, 0x7e, "icelake-client"}, {6, 0x6a, 0x6a, "icelake-server"},
    {6, 0x6c, 0x6c, "icelake-server"}, {6, 0x8c, 0x8d, "tigerlake"},
    {6, 0xa7, 0xa7, "rocketlake"},     {6, 0x8f, 0x8f, "sapphirerapids"},
    {6, 0xcf, 0xcf, "emeraldrapids"},  {6, 0xad, 0xae, "graniterapids"},
    {6, 0x97, 0x97, "alderlake"},      {6, 0x9a, 0x9a, "alderlake"},
    {6, 0xb7, 0xb7, "raptorlake"},     {6, 0xba, 0xba, "raptorlake"},
    {6, 0xbf, 0xbf, "raptorlake"},     {6, 0xaa, 0xaa, "meteorlake"},
    {6, 0xac, 0xac, "meteorlake"},     {6, 0xc5, 0xc6, "arrowlake"},
    {6, 0xbe, 0xbe, "gracemont"},      {6, 0x37, 0x37, "silvermont"},
    {6, 0x4a, 0x4a, "silvermont"},     {6, 0x4d, 0x4d, "silvermont"},
    {6, 0x5c, 0x5c, "goldmont"},       {6, 0x5f, 0x5f, "goldmont"},
};
static const struct model_range amd_models[] = {
    {0x15, 0x10, 0x1f, "bdver2"}, {0x16, 0x00, 0x3f, "btver2"},
    {0x17, 0x00, 0x2f, "znver1"}, {0x17, 0x30, 0xff, "znver2"},
    {0x19, 0x00, 0x0f, "znver3"}, {0x19, 0x20, 0x5f, "znver3"},
    {0x19, 0x10, 0x1f, "znver4"}, {0x19, 0x60, 0xaf, "znver4"},
    {0x1a, 0x00, 0xff, "znver5"},
};

static const char *model_find(const struct model_range *ranges, size_t count,
                              uint32_t family, uint32_t model) {
  for (size_t i = 0; i < count; i++)
    if (ranges[i].family == family && ranges[i].first <= model &&
        model <= ranges[i].last)
      return ranges[i].cpu;
  return NULL;
}

static const char *model_name(feature_set features) {
  uint32_t a, b, c, d;
  char vendor[13] = "";
  if (!__get_cpuid(0, &a, &b, &c, &d))
    return NULL;
  memcpy(vendor, &b, 4);
  memcpy(vendor + 4, &d, 4);
  memcpy(vendor + 8, &c, 4);
  if (!__get_cpuid(1, &a, &b, &c, &d))
    return NULL;
  uint32_t family = a >> 8 & 15, model = a >> 4 & 15;
  if (family == 15)
    family += a >> 20 & 255;
  if (family == 6 || family >= 15)
    model |= (a >> 16 & 15) << 4;
  if (strcmp(vendor, "AuthenticAMD") == 0)
    return model_find(amd_models, ARRAY_COUNT(amd_models), family, model);
  if (strcmp(vendor, "GenuineIntel") != 0)
    return NULL;
  const char *cpu =
      model_find(intel_models, ARRAY_COUNT(intel_models), family, model);
  /* Three generations of servers share this model number. */
  if (cpu != NULL && strcmp(cpu, "skylake-avx512") == 0) {
    if (feature_has(ARCHITECTURE_x86_64, features, "avx512bf16"))
      return "cooperlake";
    if (feature_has(ARCHITECTURE_x86_64, features, "avx512vnni"))
      return "cascadelake";
  }
  return cpu;
}
#define HOST_GENERIC "x86-64-v4", "x86-64-v3", "x86-64-v2", "x86-64"

#else

/* The line "CPU part" of /proc/cpuinfo; the last one names the largest cores
 * of a machine that has two kinds. */
static const char *model_name(feature_set features) {
  static const struct {
    unsigned implementer, part;
    const char *cpu;
  } parts[] = {
      {0x41, 0xd04, "cortex-a35"},   {0x41, 0xd03, "cortex-a53"},
      {0x41, 0xd05, "cortex-a55"},   {0x41, 0xd07, "cortex-a57"},
      {0x41, 0xd08, "cortex-a72"},   {0x41, 0xd09, "cortex-a73"},
      {0x41, 0xd0a, "cortex-a75"},   {0x41, 0xd0b, "cortex-a76"},
      {0x41, 0xd0d, "cortex-a77"},   {0x41, 0xd41, "cortex-a78"},
      {0x41, 0xd44, "cortex-x1"},    {0x41, 0xd47, "cortex-a710"},
      {0x41, 0xd48, "cortex-x2"},    {0x41, 0xd0c, "neoverse-n1"},
      {0x41, 0xd40, "neoverse-v1"},  {0x41, 0xd49, "neoverse-n2"},
      {0x41, 0xd4f, "neoverse-v2"},  {0x46, 0x001, "a64fx"},
      {0x43, 0x0af, "thunderx2t99"}, {0x61, 0x022, "apple-m1"},
      {0x61, 0x023, "apple-m1"},     {0x61, 0x032, "apple-m2"},
      {0x61, 0x033, "apple-m2"},
  };
  (void)features;
  FILE *file = fopen("/proc/cpuinfo", "r");
  if (file == NULL)
    return NULL;
  char line[256];
  unsigned implementer = 0, part = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    const char *colon = strchr(line, ':');
    if (colon != NULL && strncmp(line, "CPU implementer", 15) == 0)
      (void)sscanf(colon + 1, "%x", &implementer);
    if (colon != NULL && strncmp(line, "CPU part", 8) == 0)
      (void)sscanf(colon + 1, "%x", &part);
  }
  (void)fclose(file);
  for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
    if (parts[i].implementer == implementer && parts[i].part == part)
      return parts[i].cpu;
  return NULL;
}
#define HOST_GENERIC "generic"

#endif

/* Sizes of the first CPU's data caches by level, in bytes. */
static void detect_caches(int64_t sizes[4]) {
  for (int index = 0; index < 8; index++) {
    static const char *const names[] = {"level", "type", "size"};
    char words[3][32];
    for (size_t i = 0; i < 3; i++) {
      char path[128];
      words[i][0] = '\0';
      (void)snprintf(path, sizeof path,
                     "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index,
                     names[i]);
      FILE *file = fopen(path, "r");
      if (file == NULL)
        return;
      if (fscanf(file, "%31s", words[i]) != 1)
        words[i][0] = '\0';
      (void)fclose(file);
    }
    int level = words[0][0] - '0';
    long size = 0;
    char unit = ' ';
    if (level < 1 || level > 3 || words[1][0] == 'I' ||
        sscanf(words[2], "%ld%c", &size, &unit) < 1 || size <= 0 ||
        size > 1 << 30)
      continue;
    sizes[level] = (int64_t)size * (unit == 'M' ? 1 << 20 : 1 << 10);
  }
}

static const struct cpu_row *best_generic(enum architecture architecture,
                                          feature_set features) {
  static const char *const names[] = {HOST_GENERIC};
  for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
    const struct cpu_row *cpu = cpu_find_for(architecture, names[i]);
    if (cpu != NULL && (cpu_features(cpu) & ~features) == 0)
      return cpu;
  }
  return cpu_find_for(architecture,
                      architecture_table[architecture].generic_cpu);
}

static struct host host;

static void detect(void) {
  host.is_known = architecture_of_host(&host.architecture);
  if (!host.is_known)
    return;
  enum architecture architecture = host.architecture;
  for (size_t i = 0; i < feature_counts[architecture]; i++)
    if (cpu_has_feature(feature_tables[architecture][i].name))
      host.features |= (feature_set)1 << i;
  /* What a feature implies may be hidden all the same; then it is unusable. */
  for (size_t i = 0; i < feature_counts[architecture]; i++)
    if ((feature_enable(architecture, 0, (int)i) & ~host.features) != 0)
      host.features = feature_disable(architecture, host.features, (int)i);
  const char *name = model_name(host.features);
  if (name != NULL)
    host.cpu = cpu_find_for(architecture, name);
  if (host.cpu == NULL)
    host.cpu = best_generic(architecture, host.features);
  int64_t sizes[4] = {0};
  detect_caches(sizes);
  host.l1_bytes = sizes[1];
  host.l2_bytes = sizes[2];
  host.l3_bytes = sizes[3];
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  host.cores = cores > 0 ? cores : 1;
}

const struct host *host_detect(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, detect);
  return &host;
}
