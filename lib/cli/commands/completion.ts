/** `completion`: what a shell needs to complete commands and options; made from the commands themselves. */

import type { Command } from 'commander'
import { oneOf } from './task.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a completion script for bash, zsh or fish')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText(
      'after',
      `
Examples:
  eval "$(millrace completion bash)"
  millrace completion zsh > ~/.zfunc/_millrace
  millrace completion fish > ~/.config/fish/completions/millrace.fish`,
    )
    .action((shell: string) => {
      const make = { bash, zsh, fish }[oneOf('shell', shell, SHELLS)]
      process.stdout.write(`${make(branches(program))}\n`)
    })
}

interface Branch {
  /** `task ls`; '' for the command itself. */
  readonly path: string
  readonly words: readonly { readonly word: string; readonly about: string }[]
}

function branches(command: Command, path = ''): Branch[] {
  const words = [
    ...command.commands.map((one) => ({ word: one.name(), about: one.description() })),
    ...command.options.flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : [])),
    { word: '--help', about: 'explain it' },
  ]
  return [
    { path, words },
    ...command.commands.flatMap((one) => branches(one, `${path} ${one.name()}`.trim())),
  ]
}

const list = ({ words }: Branch): string => words.map(({ word }) => word).join(' ')

/** The longest path that the line begins with, then its words. */
const bash = (all: readonly Branch[]): string => `_millrace() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" words=""
  local i; for ((i = 1; i < COMP_CWORD && i < 3; i++)); do
    [[ "\${COMP_WORDS[i]}" == -* ]] || path="\${path:+$path }\${COMP_WORDS[i]}"
  done
  while :; do
    case "$path" in
${all.map((branch) => `      "${branch.path}") words="${list(branch)}"; break ;;`).join('\n')}
      *" "*) path="\${path% *}" ;;
      *) path="" ;;
    esac
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _millrace millrace`

const zsh = (all: readonly Branch[]): string => `#compdef millrace
autoload -U +X bashcompinit && bashcompinit
${bash(all)}`

const quoted = (text: string): string => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`

function fish(all: readonly Branch[]): string {
  const lines = all.flatMap(({ path, words }) => {
    const parts = path.split(' ').filter(Boolean)
    const seen = parts.map((part) => `__fish_seen_subcommand_from ${part}`)
    const top = all[0]!.words.filter(({ word }) => !word.startsWith('-')).map(({ word }) => word)
    const when = parts.length === 0 ? `not __fish_seen_subcommand_from ${top.join(' ')}` : seen.join('; and ')
    return words.map(({ word, about }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
      return `complete -c millrace -n ${quoted(when)} ${what} -d ${quoted(about)}`
    })
  })
  return lines.join('\n')
}
