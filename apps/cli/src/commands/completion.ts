import { Argument, type Command } from 'commander';
import type { Output } from '../output.js';

/** `completion`: a script that completes commands and options in a shell. */
export function completionCommand(program: Command, output: Output): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
    .description('print a completion script')
    .addHelpText('after', '\nFor this shell:  source <(bellwether completion bash)')
    .action((shell: string) => {
      output.out(
        `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}${script(program)}`,
      );
    });
}

/** One script for both: zsh reads bash's by `bashcompinit`. */
function script(program: Command): string {
  const words = (command: Command) =>
    [
      ...command.commands.map((child) => child.name()),
      ...command.options.flatMap((option) => (option.long ? [option.long] : [])),
      '--help',
    ].join(' ');
  const cases = program.commands.flatMap((command) => [
    `    "${command.name()}") words="${words(command)}" ;;`,
    ...command.commands.map((child) => `    "${command.name()} ${child.name()}") words="${words(child)}" ;;`),
  ]);
  const alone = program.commands
    .filter((command) => command.commands.length === 0)
    .map((command) => `      "${command.name()}") words="${words(command)}" ;;`);
  // What follows a command and its sub-command are names, which the script does not know.
  return `_bellwether() {
  local word path="" words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  path="$(printf %s "$path" | cut -d " " -f 1-2)"
  case "$path" in
    "") words="${words(program)}" ;;
${cases.join('\n')}
    *) case "\${path%% *}" in
${alone.join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _bellwether bellwether`;
}
