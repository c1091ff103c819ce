/* SPDX-License-Identifier: Apache-2.0 */
/* The program's entrance: which subcommand, with which configuration. */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "runtime/runtime.h"

#ifndef MW_VERSION
#error "the build passes MW_VERSION"
#endif

static const struct mw_subcommand *const subcommands[] = {
    &mw_command_run,
    &mw_command_check,
    &mw_command_status,
    &mw_command_tools,
    &mw_command_incidents,
    &mw_command_incident,
    &mw_command_audit,
    &mw_command_report,
    &mw_command_doctor,
    &mw_command_config,
    NULL,
};

/* Known to the interface; this version does not have them. */
static const char *const later[] = {"mcp", "drill", "evaluate", NULL};

struct start {
    const struct mw_subcommand *command;
    struct mw_invocation invocation;
    const struct mw_settings *settings;
};

static void print_help(FILE *to)
{
    fputs("midwatch: an on-call teammate that lives in the team's chat\n\n"
          "usage: midwatch COMMAND [-c FILE]\n\n",
          to);
    for (size_t i = 0; subcommands[i] != NULL; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s%s", subcommands[i]->name, subcommands[i]->arguments,
                 subcommands[i]->json ? "[--json]" : "");
        fprintf(to, "  %-25s %s\n", left, subcommands[i]->help);
    }
    fputs("  help [COMMAND]            this text\n"
          "  --version                 the version\n\n"
          "FILE is ./midwatch.yaml, or else /etc/midwatch/midwatch.yaml. Exit status: 0 all well,\n"
          "1 something failed, 2 wrong usage or configuration.\n",
          to);
}

static const struct mw_subcommand *find(const char *name)
{
    for (size_t i = 0; subcommands[i] != NULL; i++) {
        if (strcmp(subcommands[i]->name, name) == 0)
            return subcommands[i];
    }
    return NULL;
}

static int unknown(const char *name)
{
    for (size_t i = 0; later[i] != NULL; i++) {
        if (strcmp(later[i], name) == 0) {
            fprintf(stderr, "midwatch: \"%s\" is not in this version\n", name);
            return MW_EXIT_USAGE;
        }
    }
    const char *names[sizeof subcommands / sizeof *subcommands + 1] = {"help"};
    for (size_t i = 0; subcommands[i] != NULL; i++)
        names[i + 1] = subcommands[i]->name;
    const char *nearest = mw_text_nearest(name, names);
    if (nearest != NULL)
        fprintf(stderr, "midwatch: there is no command \"%.60s\"; did you mean \"%s\"?\n", name,
                nearest);
    else
        fprintf(stderr, "midwatch: there is no command \"%.60s\"; see midwatch help\n", name);
    return MW_EXIT_USAGE;
}

static int help(int count, char **words)
{
    const struct mw_subcommand *command = count > 0 ? find(words[0]) : NULL;
    if (command == NULL && count > 0 && strcmp(words[0], "help") != 0)
        return unknown(words[0]);
    if (command == NULL) {
        print_help(stdout);
        return MW_EXIT_OK;
    }
    printf("usage: midwatch %s %s%s[-c FILE]\n%s\n", command->name, command->arguments,
           command->json ? "[--json] " : "", command->help);
    return MW_EXIT_OK;
}

static const char *default_file(void)
{
    if (access("midwatch.yaml", F_OK) != 0 && access("/etc/midwatch/midwatch.yaml", F_OK) == 0)
        return "/etc/midwatch/midwatch.yaml";
    return "midwatch.yaml";
}

/* What getopt returns for the first of a subcommand's own options. */
#define OWN_OPTION 256

static void list_options(const struct mw_subcommand *command,
                         struct option options[MW_VALUES_MAX + 3])
{
    options[0] = (struct option){"config", required_argument, NULL, 'c'};
    options[1] = (struct option){"json", no_argument, NULL, 'j'};
    int count = 0;
    for (; command->values[count] != NULL; count++)
        options[2 + count] =
            (struct option){command->values[count], required_argument, NULL, OWN_OPTION + count};
    options[2 + count] = (struct option){0};
}

/* Options may stand anywhere. False: said on stderr. */
static bool parse(int count, char **words, struct start *start)
{
    struct option options[MW_VALUES_MAX + 3];
    list_options(start->command, options);
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(count, words, ":c:", options, NULL)) != -1;) {
        if (option == 'c') {
            start->invocation.file = optarg;
        } else if (option >= OWN_OPTION) {
            start->invocation.values[option - OWN_OPTION] = optarg;
        } else if (option == 'j' && start->command->json) {
            start->invocation.json = true;
        } else {
            const char *word = option == 'j' ? "--json" : words[optind - 1];
            fprintf(stderr, "midwatch %s: %s %s; see midwatch help %s\n", start->command->name,
                    option == ':' ? "something is missing after" : "does not take", word,
                    start->command->name);
            return false;
        }
    }
    start->invocation.count = count - optind;
    start->invocation.words = words + optind;
    if (start->invocation.count < start->command->words_min ||
        start->invocation.count > start->command->words_max) {
        fprintf(stderr, "usage: midwatch %s %s[-c FILE]\n", start->command->name,
                start->command->arguments);
        return false;
    }
    if (start->invocation.file == NULL)
        start->invocation.file = default_file();
    return true;
}

static int in_fiber(void *argument)
{
    const struct start *start = argument;
    return start->command->run(&start->invocation, start->settings);
}

static int run(struct start *start)
{
    struct mw_settings *settings = NULL;
    struct mw_error error = {0};
    if (start->command->needs_settings) {
        settings = mw_settings_load(start->invocation.file, stderr);
        if (settings == NULL)
            return MW_EXIT_USAGE;
        start->settings = settings;
    }
    int status = MW_EXIT_FAILED;
    if (mw_runtime_init(&error)) {
        status = mw_runtime_run(in_fiber, start);
        mw_runtime_finish();
    } else {
        mw_complain(&error);
    }
    talloc_free(settings);
    return status;
}

/* Whoever sent the output to a file must not take half of it for all. */
static int end_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("midwatch: the output could not be written to where it was sent\n", stderr);
    return status == MW_EXIT_OK ? MW_EXIT_FAILED : status;
}

static int obey(int count, char **words)
{
    if (count < 2) {
        print_help(stderr);
        return MW_EXIT_USAGE;
    }
    const char *name = words[1];
    if (strcmp(name, "--version") == 0) {
        puts("midwatch " MW_VERSION);
        return MW_EXIT_OK;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(count - 2, words + 2);
    struct start start = {.command = find(name)};
    if (start.command == NULL)
        return unknown(name);
    if (!parse(count - 1, words + 1, &start))
        return MW_EXIT_USAGE;
    return run(&start);
}

int main(int count, char **words)
{
    return end_output(obey(count, words));
}

void mw_print_json(const json_t *document)
{
    json_dumpf(document, stdout, MW_PRINT_FLAGS);
    putchar('\n');
}

int mw_complain(const struct mw_error *error)
{
    fprintf(stderr, "midwatch: %s\n", error->text);
    return MW_EXIT_FAILED;
}
