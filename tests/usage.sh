# For sourcing, before a script begins its work: -h or --help prints the head of the script instead.
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit
    ;;
esac
