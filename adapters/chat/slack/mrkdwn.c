/* SPDX-License-Identifier: Apache-2.0 */
/* Text that Slack shows as it is, and text that Slack sends. */
#include <string.h>

#include "base/buffer.h"
#include "slack.h"

#define TEXT_MAX ((size_t)(64 * 1024))
/* Between two backticks, so that three in a row are none. */
#define ZERO_WIDTH "\xE2\x80\x8B"
#define ELLIPSIS   "…"

static size_t character_length(const char *at)
{
    size_t length = 1;
    while (((unsigned char)at[length] & 0xC0) == 0x80) {
        length++;
    }
    return length;
}

static const char *entity(char c)
{
    return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
}

/* What a character becomes; `before`: the one before it, 0: none. */
static size_t written_length(const char *at, char before, bool code, const char **written,
                             bool *apart)
{
    const char *named = entity(*at);
    *written = named != NULL ? named : at;
    *apart = code && *at == '`' && before == '`';
    return (named != NULL ? strlen(named) : character_length(at)) +
           (*apart ? strlen(ZERO_WIDTH) : 0);
}

static size_t whole_length(const char *text, bool code)
{
    size_t sum = 0;
    const char *written;
    bool apart;
    for (const char *at = text; *at != '\0'; at += character_length(at)) {
        sum += written_length(at, at > text ? at[-1] : '\0', code, &written, &apart);
    }
    return sum;
}

static char *escape(TALLOC_CTX *memory, const char *text, size_t limit, bool code)
{
    struct mw_buffer buffer;
    bool cut = whole_length(text, code) > limit, apart;
    size_t room = !cut ? limit : limit > strlen(ELLIPSIS) ? limit - strlen(ELLIPSIS) : 0;
    const char *written;
    mw_buffer_init(&buffer, memory, limit + sizeof ELLIPSIS);
    mw_buffer_append_text(&buffer, "");
    for (const char *at = text; *at != '\0'; at += character_length(at)) {
        size_t length = written_length(at, at > text ? at[-1] : '\0', code, &written, &apart);
        if (buffer.length + length > room) {
            break;
        }
        if (apart) {
            mw_buffer_append_text(&buffer, ZERO_WIDTH);
            length -= strlen(ZERO_WIDTH);
        }
        mw_buffer_append(&buffer, written, length);
    }
    if (cut) {
        mw_buffer_append_text(&buffer, ELLIPSIS);
    }
    return mw_buffer_take(&buffer);
}

char *mw_slack_escape(TALLOC_CTX *memory, const char *text, size_t limit)
{
    return escape(memory, text, limit, false);
}

char *mw_slack_escape_code(TALLOC_CTX *memory, const char *text, size_t limit)
{
    return escape(memory, text, limit, true);
}

/* ---- what people wrote ---- */

/* Length of the entity at this place, and what it stands for; 0: there is none. */
static size_t read_entity(const char *at, char *meant)
{
    static const struct {
        const char *written;
        char meant;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}};
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        size_t length = strlen(entities[i].written);
        if (strncmp(at, entities[i].written, length) == 0) {
            *meant = entities[i].meant;
            return length;
        }
    }
    return 0;
}

/* One character or entity; returns its length. */
static size_t read_character(const char *at, struct mw_buffer *buffer)
{
    char meant = *at;
    size_t length = *at == '&' ? read_entity(at, &meant) : 0;
    mw_buffer_append(buffer, &meant, 1);
    return length > 0 ? length : 1;
}

/* "<https://x|x>" → "x", "<#C1|ops>" → "ops", "<@U1>" → "@U1". Returns its length, 0 where it has no end. */
static size_t read_angle(const char *at, struct mw_buffer *buffer)
{
    const char *end = strchr(at, '>');
    if (end == NULL) {
        return 0;
    }
    const char *label = memchr(at, '|', (size_t)(end - at));
    for (const char *in = label != NULL ? label + 1 : at + 1; in < end;) {
        in += read_character(in, buffer);
    }
    return (size_t)(end - at) + 1;
}

static const char *skip_mention(const char *text, const char *user)
{
    const char *at = text + strspn(text, " \t\n");
    size_t length = user != NULL ? strlen(user) : 0;
    if (length == 0 || strncmp(at, "<@", 2) != 0 || strncmp(at + 2, user, length) != 0) {
        return NULL;
    }
    const char *end = strchr(at, '>');
    bool whole = at[2 + length] == '>' || at[2 + length] == '|';
    return whole && end != NULL ? end + 1 + strspn(end + 1, " \t\n:,") : NULL;
}

char *mw_slack_plain(TALLOC_CTX *memory, const char *text, const char *user, bool *mentioned)
{
    const char *rest = skip_mention(text, user);
    *mentioned = rest != NULL;
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, memory, TEXT_MAX);
    mw_buffer_append_text(&buffer, "");
    for (const char *at = rest != NULL ? rest : text; *at != '\0';) {
        size_t length = *at == '<' ? read_angle(at, &buffer) : 0;
        at += length > 0 ? length : read_character(at, &buffer);
    }
    return mw_buffer_take(&buffer);
}

/* ---- emoji ---- */

const char *mw_slack_emoji(const char *sign)
{
    static const struct {
        const char *sign, *name;
    } names[] = {{"✅", "white_check_mark"},
                 {"❌", "x"},
                 {"👍", "+1"},
                 {"👎", "-1"},
                 {"👀", "eyes"},
                 {"🔁", "repeat"},
                 {"🛑", "octagonal_sign"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].sign, sign) == 0) {
            return names[i].name;
        }
    }
    return NULL;
}
