/* SPDX-License-Identifier: Apache-2.0 */
/* Hash map from strings (copied) or 64-bit keys to pointers, in an arena. Keeps
 * insertion order: entries[0 .. count). */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/arena.h"

struct map_entry {
  const char *name; /* NULL in maps with integer keys */
  uint64_t key;
  void *value;
};

struct map {
  struct arena *arena;
  struct map_entry *entries;
  size_t count, capacity;
  uint32_t *slots;
  size_t slot_count;
};

void map_init(struct map *map, struct arena *arena);
/* The value, or NULL. */
void *map_get(const struct map *map, const char *name);
/* Sets; returns the value that stood there before, or NULL. */
void *map_set(struct map *map, const char *name, void *value);
void *map_get_key(const struct map *map, uint64_t key);
void *map_set_key(struct map *map, uint64_t key, void *value);

/* 64-bit FNV-1a style hash with good avalanche; also of byte ranges. */
uint64_t hash_bytes(const void *data, size_t size, uint64_t seed);
static inline uint64_t hash_mix(uint64_t a, uint64_t b) {
  a ^= b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2);
  a *= 0xff51afd7ed558ccdu;
  return a ^ (a >> 32);
}

#endif
