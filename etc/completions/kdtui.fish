# fish completion for kdtui; generated from its tables.

function __kdtui_subcommand
    for word in (commandline -opc)
        if contains -- $word run attach list status send resume replay eval search plot export bench settings keys
            echo $word
            return
        end
    end
end

# Whether the subcommand, run where there is none, is one of these.
function __kdtui_is
    set -l now (__kdtui_subcommand)
    test -n "$now"; or set now run
    contains -- $now $argv
end

function __kdtui_settings
    printf '%s\n' \
        data.dataset=auto \
        data.dataset=cifar10 \
        data.dataset=fashion-mnist \
        data.dataset=mnist \
        data.dataset=idx \
        data.dataset=npy \
        data.dataset=synthetic \
        data.path= \
        data.train_size= \
        data.validation_size= \
        data.validation_from= \
        data.mean=global \
        data.mean=channel \
        data.mean=pixel \
        data.mean=none \
        data.scale=unit \
        data.scale=std \
        network.hidden= \
        network.activation=relu \
        network.activation=leaky_relu \
        network.activation=elu \
        network.slope= \
        network.batch_norm=before \
        network.batch_norm=after \
        network.batch_norm=none \
        network.batch_norm_learned=on \
        network.batch_norm_learned=off \
        network.batch_norm_average= \
        network.init=he \
        network.init=xavier \
        network.init=normal \
        network.init_std= \
        network.dropout= \
        train.epochs= \
        train.batch_size= \
        train.learning_rate= \
        train.l2= \
        train.momentum= \
        train.optimizer=sgd \
        train.optimizer=nesterov \
        train.optimizer=adam \
        train.optimizer=adamw \
        train.schedule=constant \
        train.schedule=decay \
        train.schedule=step \
        train.schedule=cosine \
        train.schedule=cyclical \
        train.decay= \
        train.step_epochs= \
        train.rate_min= \
        train.rate_max= \
        train.cycle_steps= \
        train.warmup_steps= \
        train.label_smoothing= \
        train.precision=float32 \
        train.precision=bfloat16 \
        train.evaluate=full \
        train.evaluate=running \
        train.early_stop= \
        train.on_divergence=auto \
        train.on_divergence=pause \
        train.on_divergence=halve \
        train.on_divergence=stop \
        train.threads= \
        train.seed= \
        augment.noise=on \
        augment.noise=off \
        augment.noise_level= \
        augment.flip=on \
        augment.flip=off \
        augment.shift= \
        augment.brightness= \
        augment.contrast= \
        checkpoint.every_epochs= \
        checkpoint.keep= \
        checkpoint.best=on \
        checkpoint.best=off \
        search.method=random \
        search.method=grid \
        search.method=halving \
        search.trials= \
        search.epochs= \
        search.learning_rate= \
        search.l2= \
        search.hidden= \
        search.decreasing=on \
        search.decreasing=off \
        search.refine= \
        search.top= \
        search.workers= \
        search.metric=validation_accuracy \
        search.metric=validation_loss \
        search.train_size= \
        search.validation_size= \
        search.reference= \
        view.fps= \
        view.glyphs=auto \
        view.glyphs=braille \
        view.glyphs=block \
        view.glyphs=ascii \
        view.colors=auto \
        view.colors=256 \
        view.colors=16 \
        view.colors=mono \
        view.smoothing=off \
        view.smoothing=10 \
        view.smoothing=100 \
        view.smoothing=1000 \
        view.smoothing=10000 \
        view.mouse=on \
        view.mouse=off
end

function __kdtui_runs
    set -l state $XDG_STATE_HOME
    test -n "$state"; or set state ~/.local/state
    echo last
    command ls $state/kdtui/runs 2>/dev/null
end

complete -c kdtui -f
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a run -d 'Train, with the full-screen view where standard output is a terminal. The default.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a attach -d 'Open the view on a run that another process trains.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a list -d 'Print the runs: name, state, epoch, best validation accuracy, age.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a status -d 'Print how a run stands, as one JSON object.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a send -d 'Give a run that is being trained a command, and print what became of it.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a resume -d 'Continue an interrupted run; a finished one with --epochs.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a replay -d 'Train again from a run'\''s settings and journal, every edit at its step.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a eval -d 'Print loss, accuracy and confusion matrix of a checkpoint.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a search -d 'Search settings and architectures: many trials side by side, each a run. The same name again goes on.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a plot -d 'Draw loss and accuracy of one or several runs, or the trials of a search, by gnuplot.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a export -d 'Write a run as other programs read it.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a bench -d 'Train for some seconds, write nothing, and print how fast each phase of a step is and how near to the machine'\''s peak.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a settings -d 'Print every setting, or those named: what is accepted, default, meaning.'
complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a keys -d 'Print every key and command with its meaning.'
complete -c kdtui -n '__kdtui_is eval' -F -a '(__kdtui_runs)'
complete -c kdtui -n '__kdtui_is settings' -a 'data.dataset data.path data.train_size data.validation_size data.validation_from data.mean data.scale network.hidden network.activation network.slope network.batch_norm network.batch_norm_learned network.batch_norm_average network.init network.init_std network.dropout train.epochs train.batch_size train.learning_rate train.l2 train.momentum train.optimizer train.schedule train.decay train.step_epochs train.rate_min train.rate_max train.cycle_steps train.warmup_steps train.label_smoothing train.precision train.evaluate train.early_stop train.on_divergence train.threads train.seed augment.noise augment.noise_level augment.flip augment.shift augment.brightness augment.contrast checkpoint.every_epochs checkpoint.keep checkpoint.best search.method search.trials search.epochs search.learning_rate search.l2 search.hidden search.decreasing search.refine search.top search.workers search.metric search.train_size search.validation_size search.reference view.fps view.glyphs view.colors view.smoothing view.mouse'
complete -c kdtui -n '__kdtui_is run eval search bench' -s c -l config -r -F -d 'Read settings from an INI file.'
complete -c kdtui -n '__kdtui_is run search bench' -s p -l preset -x -a 'cifar-best cifar-fast fashion fig01 fig02 fig03 fig04 fig05 fig06 fig07 fig08 fig09 fig10 fig11 fig12 fig13 fig14 fig15 fig16 fig17 fig18 fig19 fig20 fig21 srch1 srch2 srch3 srch4 srch5 srch6 srch7 tab1 tab2 tab3' -d 'Read settings from a preset: fashion and cifar-fast, good networks in a minute; cifar-best, in half an hour; fig01 to fig21, of a search tab1 to tab3 and srch1 to srch7.'
complete -c kdtui -n '__kdtui_is run resume replay eval search bench' -s s -l set -x -a '(__kdtui_settings)' -d 'Set one setting; may be repeated.'
complete -c kdtui -n '__kdtui_is run replay search' -s n -l name -x -d 'Name the run or the search; its directory is named so.'
complete -c kdtui -n '__kdtui_is run attach list status send resume replay eval search plot export' -l runs-dir -x -a '(__fish_complete_directories)' -d 'Keep runs in DIR.'
complete -c kdtui -n '__kdtui_is run resume replay search' -l headless -d 'Print plain lines instead of the view.'
complete -c kdtui -n '__kdtui_is attach' -l read-only -d 'Only watch; every command is refused.'
complete -c kdtui -n '__kdtui_is run attach resume replay' -l mouse -d 'Let the view have the mouse; the same as -s view.mouse=on.'
complete -c kdtui -n '__kdtui_is run resume' -l script -r -F -d 'Give the commands of a file, one a line, as @STEP COMMAND.'
complete -c kdtui -n '__kdtui_is resume' -l epochs -x -d 'Train until N epochs are done.'
complete -c kdtui -n '__kdtui_is resume' -l from -x -d 'Go on from this state instead of the newest.'
complete -c kdtui -n '__kdtui_is replay' -l verify -d 'Compare every checkpoint and every row bit for bit; fail at the first difference.'
complete -c kdtui -n '__kdtui_is run resume replay search' -s q -l quiet -d 'Print the result only.'
complete -c kdtui -n '__kdtui_is search' -l join -x -a '(__fish_complete_directories)' -d 'Be one more worker of the search in DIR, which other machines may share.'
complete -c kdtui -n '__kdtui_is search' -l table -d 'Print the leaderboard, of the newest search or that of --name.'
complete -c kdtui -n '__kdtui_is search' -l csv -d 'Print every trial as CSV.'
complete -c kdtui -n '__kdtui_is eval' -l split -x -a 'train validation test' -d 'Take train, validation or test (the default).'
complete -c kdtui -n '__kdtui_is plot export' -s o -l output -r -F -d 'Write FILE: of plot .svg, .png, .pdf, or .gp for gnuplot'\''s script.'
complete -c kdtui -n '__kdtui_is export' -l format -x -d 'Write csv (the default), tensorboard or onnx.'
complete -c kdtui -n '__kdtui_is list bench' -l json -d 'Print JSON instead of a table.'
complete -c kdtui -n '__kdtui_is bench' -l seconds -x -d 'Measure for about N seconds; 10 where it is not given.'
complete -c kdtui -n '__kdtui_is settings' -l ini -d 'Print a commented INI file.'
complete -c kdtui -l help -d 'Print this help.'
complete -c kdtui -l version -d 'Print the version.'
