/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing over the entries' indices.
 *
 *   slots    | 0 | 3 | 0 | 1 | 2 | 0 | …    index + 1 into entries; 0 is free
 *   entries  | a | b | c |                  in the order of insertion
 *
 * Entries are never removed, so probing needs no tombstones. At most half of
 * the slots are taken.
 */
#include "base/map.h"

#include <string.h>

void map_init(struct map *map, struct arena *arena) {
  *map = (struct map){.arena = arena};
}

static uint64_t name_hash(const char *name) {
  return hash_bytes(name, strlen(name), 0);
}

static uint64_t key_hash(uint64_t key) { return hash_mix(key, key << 1); }

/* The slot of this entry, or the free one where it belongs. */
static uint32_t *find_slot(const struct map *map, const char *name,
                           uint64_t key, uint64_t hash) {
  size_t mask = map->slot_count - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    uint32_t *slot = &map->slots[at];
    if (*slot == 0)
      return slot;
    const struct map_entry *entry = &map->entries[*slot - 1];
    if (entry->key == key &&
        (!name || (entry->name && strcmp(entry->name, name) == 0)))
      return slot;
  }
}

static uint64_t entry_hash(const struct map_entry *entry) {
  return entry->name ? entry->key : key_hash(entry->key);
}

static void grow(struct map *map) {
  size_t slot_count = map->slot_count ? map->slot_count * 2 : 16;
  check(slot_count / 2 < UINT32_MAX);
  uint32_t *slots = ARENA_ARRAY(map->arena, uint32_t, slot_count);
  map->slots = slots;
  map->slot_count = slot_count;
  for (size_t i = 0; i < map->count; i++) {
    const struct map_entry *entry = &map->entries[i];
    *find_slot(map, entry->name, entry->key, entry_hash(entry)) =
        (uint32_t)(i + 1);
  }
}

static void *set(struct map *map, const char *name, uint64_t key, uint64_t hash,
                 void *value) {
  if ((map->count + 1) * 2 > map->slot_count)
    grow(map);
  uint32_t *slot = find_slot(map, name, key, hash);
  if (*slot) {
    struct map_entry *entry = &map->entries[*slot - 1];
    void *before = entry->value;
    entry->value = value;
    return before;
  }
  vec_grow_(map->arena, (void **)&map->entries, map->count, &map->capacity,
            sizeof *map->entries);
  map->entries[map->count] = (struct map_entry){
      .name = name ? arena_strdup(map->arena, name) : NULL,
      .key = key,
      .value = value,
  };
  *slot = (uint32_t)++map->count;
  return NULL;
}

static void *get(const struct map *map, const char *name, uint64_t key,
                 uint64_t hash) {
  if (map->count == 0)
    return NULL;
  uint32_t slot = *find_slot(map, name, key, hash);
  return slot ? map->entries[slot - 1].value : NULL;
}

/* An entry with a name keeps the name's hash as its key, which spares most
 * comparisons of strings. */
void *map_get(const struct map *map, const char *name) {
  uint64_t hash = name_hash(name);
  return get(map, name, hash, hash);
}

void *map_set(struct map *map, const char *name, void *value) {
  uint64_t hash = name_hash(name);
  return set(map, name, hash, hash, value);
}

void *map_get_key(const struct map *map, uint64_t key) {
  return get(map, NULL, key, key_hash(key));
}

void *map_set_key(struct map *map, uint64_t key, void *value) {
  return set(map, NULL, key, key_hash(key), value);
}
