# bash completion for kdtui; generated from its tables.

# Puts what SECTION.KEY=VALUE may become into words.
_kdtui_setting()
{
    local name=${1%%=*} value

    case $1 in
    data.dataset=*) words="auto cifar10 fashion-mnist mnist idx npy synthetic" ;;
    data.mean=*) words="global channel pixel none" ;;
    data.scale=*) words="unit std" ;;
    network.activation=*) words="relu leaky_relu elu" ;;
    network.batch_norm=*) words="before after none" ;;
    network.batch_norm_learned=*) words="on off" ;;
    network.init=*) words="he xavier normal" ;;
    train.optimizer=*) words="sgd nesterov adam adamw" ;;
    train.schedule=*) words="constant decay step cosine cyclical" ;;
    train.precision=*) words="float32 bfloat16" ;;
    train.evaluate=*) words="full running" ;;
    train.on_divergence=*) words="auto pause halve stop" ;;
    augment.noise=*) words="on off" ;;
    augment.flip=*) words="on off" ;;
    checkpoint.best=*) words="on off" ;;
    search.method=*) words="random grid halving" ;;
    search.decreasing=*) words="on off" ;;
    search.metric=*) words="validation_accuracy validation_loss" ;;
    view.glyphs=*) words="auto braille block ascii" ;;
    view.colors=*) words="auto 256 16 mono" ;;
    view.smoothing=*) words="off 10 100 1000 10000" ;;
    view.mouse=*) words="on off" ;;
    *=*) words= ;;
    *)
        words="data.dataset=
            data.path=
            data.train_size=
            data.validation_size=
            data.validation_from=
            data.mean=
            data.scale=
            network.hidden=
            network.activation=
            network.slope=
            network.batch_norm=
            network.batch_norm_learned=
            network.batch_norm_average=
            network.init=
            network.init_std=
            network.dropout=
            train.epochs=
            train.batch_size=
            train.learning_rate=
            train.l2=
            train.momentum=
            train.optimizer=
            train.schedule=
            train.decay=
            train.step_epochs=
            train.rate_min=
            train.rate_max=
            train.cycle_steps=
            train.warmup_steps=
            train.label_smoothing=
            train.precision=
            train.evaluate=
            train.early_stop=
            train.on_divergence=
            train.threads=
            train.seed=
            augment.noise=
            augment.noise_level=
            augment.flip=
            augment.shift=
            augment.brightness=
            augment.contrast=
            checkpoint.every_epochs=
            checkpoint.keep=
            checkpoint.best=
            search.method=
            search.trials=
            search.epochs=
            search.learning_rate=
            search.l2=
            search.hidden=
            search.decreasing=
            search.refine=
            search.top=
            search.workers=
            search.metric=
            search.train_size=
            search.validation_size=
            search.reference=
            view.fps=
            view.glyphs=
            view.colors=
            view.smoothing=
            view.mouse="
        compopt -o nospace
        return
        ;;
    esac
    local values=$words
    words=
    for value in $values; do
        words+=" $name=$value"
    done
}

_kdtui()
{
    local line=${COMP_LINE:0:COMP_POINT} subcommand= option= before= i
    local word=${line##*[[:space:]]} words= files=
    local -a typed

    # The line itself, since bash splits words at =.
    read -ra typed <<<"${line%"$word"}"
    for ((i = 1; i < ${#typed[@]}; i++)); do
        case ${typed[i]} in
        run | attach | list | status | send | resume | replay | eval | search | plot | export | bench | settings | keys)
            subcommand=${typed[i]}
            break
            ;;
        esac
    done
    option=${typed[${#typed[@]} - 1]}
    if [[ $word == --*=* ]]; then
        option=${word%%=*}
        before=$option=
        word=${word#*=}
    fi

    case $option in
    -c | --config) files=-f ;;
    -p | --preset) words="cifar-best cifar-fast fashion fig01 fig02 fig03 fig04 fig05 fig06 fig07 fig08 fig09 fig10 fig11 fig12 fig13 fig14 fig15 fig16 fig17 fig18 fig19 fig20 fig21 srch1 srch2 srch3 srch4 srch5 srch6 srch7 tab1 tab2 tab3" ;;
    -s | --set) _kdtui_setting "$word" ;;
    -n | --name) words= ;;
    --runs-dir) files=-d ;;
    --script) files=-f ;;
    --epochs) words= ;;
    --from) words= ;;
    --join) files=-d ;;
    --split) words="train validation test" ;;
    -o | --output) files=-f ;;
    --format) words= ;;
    --seconds) words= ;;
    *) option= ;;
    esac
    if [[ -z $option && $word == -* ]]; then
        case ${subcommand:-run} in
        run) words="-c --config -p --preset -s --set -n --name --runs-dir --headless --mouse --script -q --quiet --help --version" ;;
        attach) words="--runs-dir --read-only --mouse --help --version" ;;
        list) words="--runs-dir --json --help --version" ;;
        status) words="--runs-dir --help --version" ;;
        send) words="--runs-dir --help --version" ;;
        resume) words="-s --set --runs-dir --headless --mouse --script --epochs --from -q --quiet --help --version" ;;
        replay) words="-s --set -n --name --runs-dir --headless --mouse --verify -q --quiet --help --version" ;;
        eval) words="-c --config -s --set --runs-dir --split --help --version" ;;
        search) words="-c --config -p --preset -s --set -n --name --runs-dir --headless -q --quiet --join --table --csv --help --version" ;;
        plot) words="--runs-dir -o --output --help --version" ;;
        export) words="--runs-dir -o --output --format --help --version" ;;
        bench) words="-c --config -p --preset -s --set --json --seconds --help --version" ;;
        settings) words="--ini --help --version" ;;
        keys) words="--help --version" ;;
        esac
    elif [[ -z $option && -z $subcommand ]]; then
        words="run attach list status send resume replay eval search plot export bench settings keys"
    elif [[ -z $option && $subcommand == settings ]]; then
        _kdtui_setting "$word"
        words=${words//=/}
        compopt +o nospace
    elif [[ -z $option && $subcommand == eval ]]; then
        files=-f
        words="last $(ls "${XDG_STATE_HOME:-$HOME/.local/state}/kdtui/runs" 2>/dev/null)"
    fi

    local IFS=$' \t\n'
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    if [[ -n $files ]]; then
        compopt -o filenames
        local IFS=$'\n'
        COMPREPLY+=($(compgen "$files" -- "$word"))
    fi
    # Only what follows the last = replaces the word that bash sees.
    local seen=$before$word
    seen=${seen%"${seen##*=}"}
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=$before${COMPREPLY[i]}
        COMPREPLY[i]=${COMPREPLY[i]#"$seen"}
    done
}

complete -F _kdtui kdtui
