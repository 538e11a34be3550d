# SPDX-License-Identifier: GPL-2.0-only
# bash completion for memdiagctl. Asks the program itself what there is.

_memdiagctl()
{
	local program=$1 current=$2 previous=$3
	local list command='' options='' by='' word name its_options its_by

	COMPREPLY=()
	list=$("$program" help --list 2>/dev/null) || return
	while IFS='|' read -r name _ its_options its_by; do
		for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
			if [ "$word" = "$name" ] && [ -z "$command" ]; then
				command=$name
				options=$its_options
				by=$its_by
			fi
		done
	done <<<"$list"

	case $previous in
	--by)
		mapfile -t COMPREPLY < <(compgen -W "$by" -- "$current")
		return
		;;
	--input | --module | --system-map | --junit | --cgroup)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--output | -s | --sort | --sections | --limit | -d | --delay | --min-age | --cache | \
		--size | --order | --pid | --one-in | --kinds | --objects | --stacks | --depth | \
		--param | --cycles | --warmup | --allow | --sensitivity)
		# Columns and sections depend on the module or the file, the rest on what is meant.
		return
		;;
	-o)
		# It has a value everywhere but with top.
		[ "$command" = top ] || return
		;;
	esac
	if [[ $current == -* ]]; then
		[ -n "$command" ] ||
			options="-V --version $(cut -d'|' -f3 <<<"$list" | tr ' ' '\n' | sort -u)"
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
	elif [ -z "$command" ] || [ "$command" = help ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -d'|' -f1 <<<"$list")" -- "$current")
	else
		case $command in
		save | diff | leakcheck) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
		track)
			mapfile -t COMPREPLY < <(compgen -W "start stop status report" -- "$current")
			;;
		esac
	fi
}

complete -F _memdiagctl memdiagctl
