# Completion of haneul for bash. Commands, options and services are asked of the program itself.
_haneul()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=""
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		words=$(haneul help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
		COMPREPLY=($(compgen -W "$words --help --version" -- "$cur"))
		return
	fi
	case $prev in
	--data|--init-dir) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--durability) COMPREPLY=($(compgen -W "full relaxed ephemeral sync-each" -- "$cur")); return ;;
	--log-level) COMPREPLY=($(compgen -W "trace debug info warn error off" -- "$cur")); return ;;
	--log-format) COMPREPLY=($(compgen -W "text json" -- "$cur")); return ;;
	esac
	case $command in
	help) words=$(haneul help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') ;;
	ops) words="--json $(haneul ops 2>/dev/null | cut -d' ' -f1)" ;;
	where)
		case $cur in
		*:*) words=$(haneul ops "${cur%%:*}" 2>/dev/null | sed -n "s/^  live  *\(.*\)/${cur%%:*}:\1/p") ;;
		*) words=$(haneul ops 2>/dev/null | sed 's/ .*/:/'); compopt -o nospace ;;
		esac ;;
	clock) words="show advance speed --data" ;;
	*) words=$(haneul "$command" --help 2>/dev/null | grep -o -- '--\?[a-z][a-z-]*' | sort -u) ;;
	esac
	COMPREPLY=($(compgen -W "$words --help" -- "$cur"))
	# The colon parts words in bash: what stands before it must not come again.
	[ "$command" = where ] && type __ltrim_colon_completions >/dev/null 2>&1 && __ltrim_colon_completions "$cur"
}
complete -F _haneul haneul
