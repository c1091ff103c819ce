/* SPDX-License-Identifier: Apache-2.0 */
#include "converse/reactions.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define EMOJI_BYTES_MAX 64

static const struct {
    const char *emoji;
    enum mw_action action;
} reactions[] = {
    {"✅", MW_ACTION_APPROVE},
    {"white_check_mark", MW_ACTION_APPROVE},
    {"👍", MW_ACTION_APPROVE},
    {"+1", MW_ACTION_APPROVE},
    {"thumbsup", MW_ACTION_APPROVE},
    {"❌", MW_ACTION_REJECT},
    {"x", MW_ACTION_REJECT},
    {"👎", MW_ACTION_REJECT},
    {"-1", MW_ACTION_REJECT},
    {"thumbsdown", MW_ACTION_REJECT},
    {"👀", MW_ACTION_ACK},
    {"eyes", MW_ACTION_ACK},
    {"🛑", MW_ACTION_STOP},
    {"octagonal_sign", MW_ACTION_STOP},
    {"🔁", MW_ACTION_AGAIN},
    {"repeat", MW_ACTION_AGAIN},
};

/* U+FE0E, U+FE0F: how a sign is drawn; U+1F3FB to U+1F3FF: a skin tone. */
static size_t decoration(const char *at)
{
    if (memcmp(at, "\xEF\xB8\x8E", 3) == 0 || memcmp(at, "\xEF\xB8\x8F", 3) == 0) {
        return 3;
    }
    bool tone = memcmp(at, "\xF0\x9F\x8F", 3) == 0 && (unsigned char)at[3] >= 0xBB &&
                (unsigned char)at[3] <= 0xBF;
    return tone ? 4 : 0;
}

bool mw_reaction_parse(const char *emoji, enum mw_action *action)
{
    /* Padded, so that four bytes can be compared anywhere in it. */
    char given[EMOJI_BYTES_MAX + 4] = {0}, plain[EMOJI_BYTES_MAX + 1];
    if (emoji == NULL || strlen(emoji) > EMOJI_BYTES_MAX) {
        return false;
    }
    memcpy(given, emoji, strlen(emoji));
    const char *at = given + (*given == ':');
    size_t length = 0;
    while (*at != '\0' && *at != ':') {
        size_t skip = decoration(at);
        if (skip > 0) {
            at += skip;
        } else {
            plain[length++] = *at++;
        }
    }
    plain[length] = '\0';
    for (size_t i = 0; i < sizeof reactions / sizeof *reactions; i++) {
        if (strcasecmp(plain, reactions[i].emoji) == 0) {
            *action = reactions[i].action;
            return true;
        }
    }
    return false;
}
