/** The help that is written by hand; the smaller commands' own comes from their definitions. */

export const mainHelp = `usage: sbx COMMAND …

  run 'SHELL TEXT'            run a command in the sandbox
  run [--] PROGRAM ARGUMENT…  the same with an argv, quoted for you
  run --background …          the same, and go on without waiting for it
  ps                          what runs
  logs [-f] RUN               the output of a run so far, or until it ends
  attach RUN                  see a run and type into it
  kill RUN…                   stop runs
  shell                       an interactive bash in the sandbox
  check 'SHELL TEXT'          what would be decided, and why; runs nothing
  plan 'SHELL TEXT'           the sandbox that it would run in, and why; runs nothing
  policy show|lint            the rules that hold here, and what is wrong with them
  trust [DIR]                 let a project's own files grant what they say
  rules [remove NUMBER]       the answers of "always" that were saved
  status                      the daemon, its sessions and the sandbox
  daemon start|stop|status|logs
  doctor                      can this machine run the sandbox, and if not, what it needs
  help [COMMAND]
  --version

Everything runs through sbxd, which starts by itself and ends when idle.
`;

export const runHelp = `usage: sbx run [OPTION…] 'SHELL TEXT'
       sbx run [OPTION…] [--] PROGRAM ARGUMENT…

One word is shell text; several words, or whatever follows --, are a program with its arguments. Options stand
before the command; nothing after its first word is an option of sbx.

  --allow RULE, --ask RULE, --deny RULE   add a rule for this run (repeatable)
  --net HOST[:PORT]    let it reach this host too (repeatable); without a port 80 and 443
  --offline            no network but localhost of the session
  --policy FILE        one more policy file
  --profile NAME       default, strict or ci, in place of the one that policies choose
  --no-import          without the rules of .claude/settings.json
  --mode MODE          manual (default), accept-edits, plan, dont-ask, bypass
  --no-auto-allow      ask for whatever no rule allows, although it would run in the sandbox
  --yes                answer a question with yes, once (a policy can forbid it)
  --no-prompt          never ask: a question is a refusal
  --cwd DIR            start there
  --workspace DIR      the folder that may be written (default: the git root of the start folder)
  --new-session        do not join the workspace's session
  --env NAME[=VALUE]   pass a variable that would be withheld (repeatable)
  --background, -d     print the run's id once it has started and leave it to itself: see sbx ps, logs, attach, kill
  --tag WORD           a word that sbx ps shows beside it (repeatable)
  --timeout TIME       90, 90s, 5m, 1h or 500ms
  --idle-timeout TIME  stop it when it has printed nothing for so long
  --cpu TIME           processor time of each of its processes
  --memory SIZE        of all its processes together: 512M, 2G
  --processes NUMBER   at one time, threads included
  --open-files NUMBER  of each of its processes
  --max-file SIZE      of each file that it writes
  --max-output SIZE    stop it when it has printed so much
  --pty, --no-pty      give the command a terminal (default: when stdin and stdout are one)
  --json               one event a line on stdout

A limit may be lower than what a policy file sets, never higher.

exit status: the command's own; 128+n on a signal; 124 a time limit; 125 sbx, its usage or the sandbox failed, or
             the output limit; 126 denied or not approved; 130 cancelled; 137 the memory limit
`;

export const checkHelp = `usage: sbx check [OPTION…] 'SHELL TEXT'
       sbx check [OPTION…] [--] PROGRAM ARGUMENT…
       sbx check --jsonl

Says what would be decided and why. Nothing runs and no daemon is needed.

  --allow RULE, --ask RULE, --deny RULE   add a rule (repeatable)
  --net HOST[:PORT], --offline            as for sbx run
  --policy FILE        one more policy file
  --profile NAME       default, strict or ci, in place of the one that policies choose
  --no-import          without the rules of .claude/settings.json
  --mode MODE          manual (default), accept-edits, plan, dont-ask, bypass
  --auto-allow         judge as sbx run does: what nothing restricts is allowed in the sandbox
  --cwd DIR            as if started there
  --workspace DIR      as if this were the workspace
  --explain, -v        also every form of each command, and every rule with its answer
  --json               the decision as one JSON object, with its explanation
  --jsonl              stdin: one {id, command, cwd?, allow?, ask?, deny?, mode?} a line; stdout: one answer a line

exit status: 0 allow, 1 deny, 2 ask, 125 error
`;

export const planHelp = `usage: sbx plan [OPTION…] 'SHELL TEXT'
       sbx plan [OPTION…] [--] PROGRAM ARGUMENT…

Shows the sandbox that sbx run would make: who runs the command, what it may write and why, what is hidden from it,
network, limits, environment, and what of the policy no sandbox can hold. Nothing runs, nothing is made and no daemon is
needed.

  --allow RULE, --ask RULE, --deny RULE   add a rule (repeatable)
  --net HOST[:PORT], --offline            as for sbx run
  --policy FILE        one more policy file
  --profile NAME       default, strict or ci, in place of the one that policies choose
  --no-import          without the rules of .claude/settings.json
  --mode MODE          manual (default), accept-edits, plan, dont-ask, bypass
  --cwd DIR            as if started there
  --workspace DIR      as if this were the workspace
  --env NAME[=VALUE]   as if this variable were passed (repeatable)
  --all                also every place that would be hidden as soon as it is made
  --json               one JSON object

exit status: 0, whatever would be decided; 125 error
`;
