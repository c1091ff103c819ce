/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/text.h"

/* Far beyond any configuration; keeps the look for duplicate keys and the tree's memory small. */
#define KEYS_MAX  1000
#define NODES_MAX 100000

struct reader {
    TALLOC_CTX *memory;
    yaml_parser_t parser;
    struct mw_yaml *root;
    struct mw_yaml *open[MW_YAML_DEPTH_MAX]; /* sequences and mappings that have not ended */
    size_t depth, nodes;
    /* The mapping that is read now has a key whose value is still to come. */
    bool awaits_value[MW_YAML_DEPTH_MAX];
    int *line;
    struct mw_error *error;
};

static bool fail(struct reader *reader, size_t line, const char *what)
{
    *reader->line = (int)line;
    return mw_error_set(reader->error, MW_ERROR_BAD_INPUT, "%s", what);
}

static bool out_of_memory(struct reader *reader)
{
    return mw_error_set(reader->error, MW_ERROR_RETRY, "out of memory");
}

static struct mw_yaml *new_node(struct reader *reader, enum mw_yaml_type type, size_t line)
{
    if (++reader->nodes > NODES_MAX) {
        fail(reader, line, "the document has too many values");
        return NULL;
    }
    struct mw_yaml *node = talloc_zero(reader->memory, struct mw_yaml);
    if (node == NULL) {
        out_of_memory(reader);
        return NULL;
    }
    node->type = type;
    node->line = (int)line;
    return node;
}

/* Rooms grow by doubling: they are full whenever the count is a power of two. */
static bool full(size_t count)
{
    return (count & (count - 1)) == 0;
}

static bool grow(struct reader *reader, struct mw_yaml *node)
{
    if (!full(node->count)) {
        return true;
    }
    size_t room = node->count == 0 ? 1 : node->count * 2;
    struct mw_yaml **items = talloc_realloc(node, node->items, struct mw_yaml *, room);
    if (items == NULL) {
        return out_of_memory(reader);
    }
    node->items = items;
    if (node->type != MW_YAML_MAPPING) {
        return true;
    }
    char **keys = talloc_realloc(node, node->keys, char *, room);
    if (keys == NULL) {
        return out_of_memory(reader);
    }
    node->keys = keys;
    int *lines = talloc_realloc(node, node->key_lines, int, room);
    if (lines == NULL) {
        return out_of_memory(reader);
    }
    node->key_lines = lines;
    return true;
}

static bool add_key(struct reader *reader, struct mw_yaml *mapping, const yaml_event_t *event)
{
    const char *key = (const char *)event->data.scalar.value;
    size_t line = event->start_mark.line + 1;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(key, "<<") == 0) {
        return fail(reader, line, "merge keys (`<<`) are not supported; write the keys out");
    }
    if (*key == '\0') {
        return fail(reader, line, "a key is empty; write its name before the colon");
    }
    if (mapping->count >= KEYS_MAX) {
        return fail(reader, line, "the mapping has too many keys");
    }
    for (size_t i = 0; i < mapping->count; i++) {
        if (strcmp(mapping->keys[i], key) == 0) {
            *reader->line = (int)line;
            return mw_error_set(reader->error, MW_ERROR_BAD_INPUT,
                                "the key `%.60s` is already given on line %d; keep one of them",
                                key, mapping->key_lines[i]);
        }
    }
    if (!grow(reader, mapping)) {
        return false;
    }
    mapping->keys[mapping->count] = talloc_strdup(mapping, key);
    if (mapping->keys[mapping->count] == NULL) {
        return out_of_memory(reader);
    }
    mapping->key_lines[mapping->count] = (int)line;
    reader->awaits_value[reader->depth - 1] = true;
    return true;
}

static bool add_node(struct reader *reader, struct mw_yaml *node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return true;
    }
    struct mw_yaml *parent = reader->open[reader->depth - 1];
    if (parent->type == MW_YAML_SEQUENCE && !grow(reader, parent)) {
        return false;
    }
    parent->items[parent->count++] = talloc_steal(parent, node);
    reader->awaits_value[reader->depth - 1] = false;
    return true;
}

static bool awaits_key(const struct reader *reader)
{
    return reader->depth > 0 && reader->open[reader->depth - 1]->type == MW_YAML_MAPPING &&
           !reader->awaits_value[reader->depth - 1];
}

static bool open_node(struct reader *reader, enum mw_yaml_type type, const yaml_event_t *event)
{
    size_t line = event->start_mark.line + 1;
    if (awaits_key(reader)) {
        return fail(reader, line,
                    "a key must be plain text, not a list or a mapping; text that "
                    "begins with { or [ needs quotes");
    }
    if (reader->depth >= MW_YAML_DEPTH_MAX) {
        return fail(reader, line, "the document nests too deep");
    }
    struct mw_yaml *node = new_node(reader, type, line);
    if (node == NULL || !add_node(reader, node)) {
        return false;
    }
    reader->awaits_value[reader->depth] = false;
    reader->open[reader->depth++] = node;
    return true;
}

static bool add_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t line = event->start_mark.line + 1;
    if (strlen(text) != event->data.scalar.length) {
        return fail(reader, line, "the text has a NUL character in it; leave it out");
    }
    if (awaits_key(reader)) {
        return add_key(reader, reader->open[reader->depth - 1], event);
    }
    struct mw_yaml *node = new_node(reader, MW_YAML_SCALAR, line);
    if (node == NULL) {
        return false;
    }
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = talloc_strdup(node, text);
    if (node->text == NULL) {
        return out_of_memory(reader);
    }
    return add_node(reader, node);
}

static bool is_marked(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    default:
        return false;
    }
}

static bool take_event(struct reader *reader, const yaml_event_t *event, bool *ended)
{
    size_t line = event->start_mark.line + 1;
    if (is_marked(event)) {
        return fail(reader, line,
                    "anchors (&name) and tags (!name) are not supported; text that "
                    "begins with & or ! needs quotes");
    }
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root != NULL) {
            return fail(reader, line, "a second document begins here; keep one per file");
        }
        if (event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end) {
            return fail(reader, line, "%TAG is not supported; leave it out");
        }
        return true;
    case YAML_ALIAS_EVENT:
        return fail(reader, line,
                    "aliases (*name) are not supported; text that begins with * "
                    "needs quotes");
    case YAML_SCALAR_EVENT:
        return add_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(reader, MW_YAML_SEQUENCE, event);
    case YAML_MAPPING_START_EVENT:
        return open_node(reader, MW_YAML_MAPPING, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return true;
    case YAML_STREAM_END_EVENT:
        *ended = true;
        return true;
    default:
        return true;
    }
}

/* The parser's own words, with where the construct began that it could not finish. */
static bool parser_fault(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return out_of_memory(reader);
    }
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    *reader->line = (int)parser->problem_mark.line + 1;
    if (strcmp(problem, "found character that cannot start any token") == 0) {
        return mw_error_set(reader->error, MW_ERROR_BAD_INPUT,
                            "not valid YAML: a value cannot begin with this character; put the "
                            "value in quotes, and indent with spaces, not tabs");
    }
    if (parser->context != NULL) {
        return mw_error_set(reader->error, MW_ERROR_BAD_INPUT,
                            "not valid YAML: %s, %s that began on line %zu", problem,
                            parser->context, parser->context_mark.line + 1);
    }
    return mw_error_set(reader->error, MW_ERROR_BAD_INPUT, "not valid YAML: %s", problem);
}

static bool read_events(struct reader *reader)
{
    bool ended = false;
    while (!ended) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            return parser_fault(reader);
        }
        bool taken = take_event(reader, &event, &ended);
        yaml_event_delete(&event);
        if (!taken) {
            return false;
        }
    }
    /* An empty file is an empty value. */
    if (reader->root == NULL) {
        reader->root = new_node(reader, MW_YAML_SCALAR, 1);
        if (reader->root == NULL) {
            return false;
        }
        reader->root->plain = true;
        reader->root->text = talloc_strdup(reader->root, "");
    }
    return reader->root->type != MW_YAML_SCALAR || reader->root->text != NULL ||
           out_of_memory(reader);
}

/* The first line that is not UTF-8. */
static int broken_line(const char *text, size_t length)
{
    int line = 1;
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        size_t part = end != NULL ? (size_t)(end - text) + 1 : length;
        if (!mw_text_is_utf8(text, part)) {
            return line;
        }
        line++;
        text += part;
        length -= part;
    }
    return line;
}

static bool check_bytes(const char *text, size_t length, int *line, struct mw_error *error)
{
    if (length > MW_YAML_BYTES_MAX) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "%zu bytes are more than the allowed %d; split the file", length,
                            MW_YAML_BYTES_MAX);
    }
    if (!mw_text_is_utf8(text, length)) {
        *line = broken_line(text, length);
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "the text is not UTF-8; save the file with that encoding");
    }
    return true;
}

struct mw_yaml *mw_yaml_parse(TALLOC_CTX *memory, const char *text, size_t length, int *line,
                              struct mw_error *error)
{
    int ignored;
    line = line != NULL ? line : &ignored;
    *line = 0;
    if (!check_bytes(text, length, line, error)) {
        return NULL;
    }
    /* Off the stack: libyaml's state with ours is larger than fibers like. */
    struct reader *reader = talloc_zero(memory, struct reader);
    if (reader == NULL || !yaml_parser_initialize(&reader->parser)) {
        talloc_free(reader);
        mw_error_set(error, MW_ERROR_RETRY, "out of memory");
        return NULL;
    }
    reader->memory = talloc_new(memory);
    reader->line = line;
    reader->error = error;
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, length);

    struct mw_yaml *root = NULL;
    if (read_events(reader)) {
        root = talloc_steal(memory, reader->root);
    }
    yaml_parser_delete(&reader->parser);
    talloc_free(reader->memory);
    talloc_free(reader);
    return root;
}

struct mw_yaml *mw_yaml_get(const struct mw_yaml *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != MW_YAML_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        if (strcmp(mapping->keys[i], key) == 0) {
            return mapping->items[i];
        }
    }
    return NULL;
}
