/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/changes.h"

#include <string.h>

const struct mw_resource_settings *mw_settings_resource(const struct mw_settings *settings,
                                                        const char *name)
{
    for (size_t i = 0; i < settings->resource_count; i++) {
        if (strcmp(settings->resources[i].common.name, name) == 0)
            return &settings->resources[i];
    }
    return NULL;
}

bool mw_resource_settings_same_target(const struct mw_resource_settings *a,
                                      const struct mw_resource_settings *b)
{
    return a->ops == b->ops && mw_options_equal(a->ops->options, a->config, b->config);
}

bool mw_resource_settings_equal(const struct mw_resource_settings *a,
                                const struct mw_resource_settings *b)
{
    return mw_resource_settings_same_target(a, b) &&
           mw_options_equal(mw_resource_options, &a->common, &b->common);
}

/* A section of the root that is read apart, as a whole. */
static void tell_section(const char *name, const struct mw_option_changes *changes)
{
    for (const struct mw_option *row = mw_root_options; row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0)
            changes->add(changes->context, name, (row->flags & MW_OPTION_RELOADABLE) != 0);
    }
}

static void compare_chats(const struct mw_settings *before, const struct mw_settings *after,
                          const struct mw_option_changes *changes)
{
    bool alike = before->chat_count == after->chat_count;
    for (size_t i = 0; alike && i < before->chat_count; i++)
        alike = before->chats[i].ops == after->chats[i].ops;
    if (!alike) {
        tell_section("chat", changes);
        return;
    }
    for (size_t i = 0; i < before->chat_count; i++) {
        const struct mw_chat_settings *a = &before->chats[i], *b = &after->chats[i];
        char *path = talloc_asprintf(NULL, "chat[%zu]", i);
        mw_options_compare(mw_chat_options, &a->common, &b->common, path, changes);
        mw_options_compare(a->ops->options, a->config, b->config, path, changes);
        talloc_free(path);
    }
}

static void compare_planners(const struct mw_llm_settings *before,
                             const struct mw_llm_settings *after,
                             const struct mw_option_changes *changes)
{
    mw_options_compare(mw_llm_options, &before->common, &after->common, "llm", changes);
    if (before->ops == after->ops)
        mw_options_compare(before->ops->options, before->config, after->config, "llm", changes);
}

static void compare_resources(const struct mw_settings *before, const struct mw_settings *after,
                              const struct mw_option_changes *changes)
{
    bool alike = before->resource_count == after->resource_count;
    for (size_t i = 0; alike && i < before->resource_count; i++)
        alike = mw_resource_settings_equal(&before->resources[i], &after->resources[i]);
    if (!alike)
        tell_section("resources", changes);
}

void mw_settings_compare(const struct mw_settings *before, const struct mw_settings *after,
                         const struct mw_option_changes *changes)
{
    mw_options_compare(mw_root_options, &before->root, &after->root, "", changes);
    compare_chats(before, after, changes);
    compare_planners(&before->llm, &after->llm, changes);
    compare_resources(before, after, changes);
}
